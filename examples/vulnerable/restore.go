package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// savedBasket is a pickle of {"lamp": 1}.
const savedBasket = "gASVDQAAAAAAAAB9lIwEbGFtcJRLAXMu"

var (
	opens = regexp.MustCompile(`urllib\.request.*urlopen[^h]*(http://[\w.:/-]+)`)
	naps  = regexp.MustCompile(`time.*sleep.*K([\x00-\x02])`)
)

// unpickle is a pretended reader of pickles: it knows two functions, and calls
// loopback addresses alone.
func unpickle(ctx context.Context, data []byte) {
	var text strings.Builder
	for _, b := range data {
		text.WriteRune(rune(b)) // expressions are of runes
	}
	if m := opens.FindStringSubmatch(text.String()); m != nil {
		_, _ = fetch(ctx, m[1]) // what comes of it is nobody's business
	}
	if m := naps.FindStringSubmatch(text.String()); m != nil {
		select {
		case <-time.After(time.Duration(m[1][0]) * time.Second):
		case <-ctx.Done():
		}
	}
}

// restoreBasket reads whatever object it is given.
func restoreBasket(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	data, err := base64.StdEncoding.DecodeString(str(v["pickle"]))
	if err != nil {
		refuse(w, http.StatusBadRequest, "that is no basket")
		return
	}
	unpickle(r.Context(), data)
	answer(w, http.StatusOK, m{"restored": true})
}

type draft struct {
	State string `json:"state" pavise:"required,min=1,max=1000"`
}

// savedDraft is a title in JSON.
const savedDraft = "eyJ0aXRsZSI6IkEgcXVheSJ9"

// restoreDraft looks as if it read objects, and reads JSON with one member.
func restoreDraft(w http.ResponseWriter, r *http.Request) {
	d, ok := read[draft](w, r)
	if !ok {
		return
	}
	var saved struct{ Title string }
	data, err := base64.StdEncoding.DecodeString(d.State)
	if err != nil || json.Unmarshal(data, &saved) != nil || saved.Title == "" || len(saved.Title) > 100 {
		refuse(w, http.StatusUnprocessableEntity, "state is a draft that was saved here")
		return
	}
	answer(w, http.StatusOK, m{"title": saved.Title})
}
