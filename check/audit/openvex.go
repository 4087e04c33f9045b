package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The parts of OpenVEX that are read and written.
//
// Source: the OpenVEX specification, version 0.2.0.
const vexContext = "https://openvex.dev/ns/v0.2.0"

// Statuses of a statement.
const (
	vexNotAffected   = "not_affected"
	vexAffected      = "affected"
	vexFixed         = "fixed"
	vexInvestigating = "under_investigation"
)

// vexNotReached is the justification of what is not in the execution path.
const vexNotReached = "vulnerable_code_not_in_execute_path"

type (
	vexDocument struct {
		Context     string         `json:"@context"`
		ID          string         `json:"@id"`
		Author      string         `json:"author"`
		Role        string         `json:"role,omitempty"`
		Timestamp   *time.Time     `json:"timestamp,omitempty"`
		LastUpdated *time.Time     `json:"last_updated,omitempty"`
		Version     int            `json:"version"`
		Tooling     string         `json:"tooling,omitempty"`
		Statements  []vexStatement `json:"statements"`
	}
	vexStatement struct {
		Vulnerability vexVulnerability `json:"vulnerability"`
		Timestamp     *time.Time       `json:"timestamp,omitempty"`
		LastUpdated   *time.Time       `json:"last_updated,omitempty"`
		Products      []vexProduct     `json:"products,omitempty"`
		// Subcomponents of all products, in version 0.0.1.
		Subcomponents []vexProduct `json:"subcomponents,omitempty"`
		Status        string       `json:"status"`
		StatusNotes   string       `json:"status_notes,omitempty"`
		Justification string       `json:"justification,omitempty"`
		Impact        string       `json:"impact_statement,omitempty"`
		Action        string       `json:"action_statement,omitempty"`
	}
	vexVulnerability struct {
		ID          string   `json:"@id,omitempty"`
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		Aliases     []string `json:"aliases,omitempty"`
	}
	vexProduct struct {
		ID            string            `json:"@id,omitempty"`
		Identifiers   map[string]string `json:"identifiers,omitempty"`
		Subcomponents []vexProduct      `json:"subcomponents,omitempty"`
	}
)

// UnmarshalJSON also reads version 0.0.1, in which a vulnerability is its name.
func (v *vexVulnerability) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &v.Name) == nil {
		return nil
	}
	type plain vexVulnerability
	return json.Unmarshal(data, (*plain)(v))
}

// UnmarshalJSON also reads version 0.0.1, in which a product is its name.
func (p *vexProduct) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.ID) == nil {
		return nil
	}
	type plain vexProduct
	return json.Unmarshal(data, (*plain)(p))
}

// parseVEX reads a document and checks what the specification asks of its
// statements: a dismissal without a justification dismisses nothing.
func parseVEX(data []byte) (*vexDocument, error) {
	var doc vexDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("is not JSON of OpenVEX's shape: %w", err)
	}
	if !strings.HasPrefix(doc.Context, "https://openvex.dev/ns") {
		return nil, fmt.Errorf("is not OpenVEX: its @context is %.80q", doc.Context)
	}
	for i := range doc.Statements {
		if err := doc.Statements[i].check(); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return &doc, nil
}

func (s *vexStatement) check() error {
	switch {
	case s.Vulnerability.Name == "" && s.Vulnerability.ID == "":
		return errors.New("it names no vulnerability")
	case !slices.Contains([]string{vexNotAffected, vexAffected, vexFixed, vexInvestigating}, s.Status):
		return fmt.Errorf("its status %.40q is not one of OpenVEX's", s.Status)
	case s.Status == vexNotAffected && s.Justification == "" && s.Impact == "":
		return errors.New("its status is not_affected, and it has neither a justification nor an impact_statement")
	case s.Status == vexNotAffected && s.Justification != "" && !slices.Contains([]string{
		"component_not_present", "vulnerable_code_not_present", vexNotReached,
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}, s.Justification):
		return fmt.Errorf("its justification %.60q is not one of OpenVEX's", s.Justification)
	case s.Status != vexNotAffected && (s.Justification != "" || s.Impact != ""):
		return fmt.Errorf("its status is %s, and it has a justification of not_affected", s.Status)
	}
	return nil
}

// ids are the names of a product: its own and its identifiers.
func (p *vexProduct) ids() []string {
	var out []string
	if p.ID != "" {
		out = append(out, p.ID)
	}
	if purl := p.Identifiers["purl"]; purl != "" {
		out = append(out, purl)
	}
	return out
}
