"use strict";
(() => {
  const form = document.getElementById("filter");
  const list = [...document.querySelectorAll("ul.findings > li")];
  const shown = document.getElementById("shown");
  const rank = { unknown: 3, info: 1, low: 2, medium: 3, high: 4, critical: 5 };
  const apply = () => {
    const area = form.elements.area.value, least = rank[form.elements.severity.value] || 0, words = form.elements.text.value.toLowerCase();
    let n = 0;
    for (const item of list) {
      const fits = (!area || item.dataset.area === area) && rank[item.dataset.severity] >= least && (!words || item.textContent.toLowerCase().includes(words));
      item.hidden = !fits;
      if (fits) n++;
    }
    shown.textContent = n + " of " + list.length + " findings";
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target.tagName !== "INPUT") { event.preventDefault(); form.elements.text.focus(); }
    if (event.key === "Escape") form.reset();
  });
  apply();
})();
