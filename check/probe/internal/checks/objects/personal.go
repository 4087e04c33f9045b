package objects

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func personalCheck() *trial.Check {
	return &trial.Check{
		ID: "probe/personal-data", Claim: "strangers are told nothing of people that is theirs alone", Severity: finding.Medium,
		Refs: []string{"CWE-359", "CWE-213", "API3", "V15.3.1"},
		Sure: "a valid request without credentials was answered with a record that has values of two such kinds, one of them of a bank account, an identity or a birth; one kind alone is a suspicion",
		Fix:  "Answer strangers with a type of its own that has the name and what else is public.", Pavise: "lint/no-response-model",
		Run: personalData,
	}
}

// aboutPerson is what kind of a person's data a member holds, by its name and the
// form of its value; grave tells that nobody makes it public.
func aboutPerson(name, v string) (kind string, grave bool) {
	digits := 0
	for _, c := range v {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch is := func(words ...string) bool { return slices.Contains(words, name) }; {
	case hidden(v) || strings.Contains(v, "pv"): // it is ours
	case has("iban", "bankaccount", "cardnumber", "creditcard", "routingnumber") && digits >= 8:
		return "a bank account", true
	case is("ssn", "nin", "cpf") || has("socialsecurity", "nationalid", "passportn", "taxid", "identitycard", "driverslicen", "drivinglicen"):
		return "an identity", true
	case has("dateofbirth", "birthdate", "birthday") || is("dob", "born"):
		return "a birth", digits >= 6
	case is("salary", "income", "diagnosis", "medicalhistory", "bloodtype"):
		return "a private matter", true
	case has("email") && strings.Contains(v, "@"):
		return "an e-mail address", false
	case (has("phone", "mobile") || is("tel")) && digits >= 6:
		return "a telephone", false
	}
	return "", false
}

// ofPeople tells whether a noun is one of people.
func ofPeople(noun string) bool {
	return slices.ContainsFunc([]string{"user", "owner", "author", "customer", "member", "seller", "buyer", "host", "guest", "employee", "patient", "driver", "student", "person", "people", "profile", "account"},
		func(w string) bool { return strings.Contains(strings.ToLower(noun), w) })
}

func personalData(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet {
			return
		}
		b, err := t.Baseline(ctx, op, identity.Anonymous())
		if err != nil {
			return // strangers are told nothing here
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass, Want: "an answer without it"}
		answer := filled(ctx, t, b)
		kinds, grave, values := map[string][]string{}, map[string]bool{}, map[string][]string{}
		leaves := trial.Leaves(answer)
		for _, at := range slices.Sorted(maps.Keys(leaves)) {
			cut := strings.LastIndexByte(at, '/')
			kind, worse := aboutPerson(flat(at[cut+1:]), leaves[at])
			if parent := at[:max(cut, 0)]; kind != "" && !slices.Contains(kinds[parent], kind) {
				kinds[parent] = append(kinds[parent], kind)
				grave[parent] = grave[parent] || worse
				values[parent] = append(values[parent], leaves[at])
			}
		}
		for _, parent := range slices.Sorted(maps.Keys(kinds)) {
			person := ofPeople(parent) || ofPeople(last(op.Path)) || strings.HasSuffix(op.Path, "}") && ofPeople(op.Path)
			got := fmt.Sprintf("%s of somebody at %s, to strangers", strings.Join(kinds[parent], ", "), "/"+strings.Trim(parent, "/"))
			switch {
			case grave[parent] && len(kinds[parent]) > 1:
				r.Verdict, r.Severity, r.Got = trial.Fail, finding.High, got
			case r.Verdict == trial.Pass && (grave[parent] || person):
				r.Verdict, r.Got = trial.Suspect, got
			default:
				continue
			}
			r.Shown = []*traffic.Exchange{answer}
			for _, v := range values[parent] { // it is not for a report either
				n++
				t.Hide(fmt.Sprintf("PERSONAL_%d", n), v)
			}
			if r.Verdict == trial.Fail {
				break
			}
		}
		report(r)
	})
}
