package audit

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// priorities is what is known of exploitation, by CVE.
type priorities struct {
	epss map[string]float64
	kev  map[string]bool
}

func (p priorities) apply(v *Vulnerability) {
	for _, name := range v.Names() {
		v.EPSS = max(v.EPSS, p.epss[name])
		v.KEV = v.KEV || p.kev[name]
	}
}

func readPriorities(epss, kev string) (priorities, error) {
	var p priorities
	var err error
	if epss != "" {
		if p.epss, err = readEPSS(epss); err != nil {
			return p, fmt.Errorf("EPSS file %s: %w", epss, err)
		}
	}
	if kev != "" {
		if p.kev, err = readKEV(kev); err != nil {
			return p, fmt.Errorf("KEV file %s: %w", kev, err)
		}
	}
	return p, nil
}

// maxList bounds what a list may unpack to. FIRST's has 12 MB.
const maxList = 1 << 30

// readEPSS reads FIRST's daily file: a comment, then cve,epss,percentile.
func readEPSS(name string) (map[string]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var text io.Reader = in
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		if text, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
	}
	r := csv.NewReader(io.LimitReader(text, maxList))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord = '#', -1, true
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	if len(header) < 2 || header[0] != "cve" || header[1] != "epss" {
		return nil, errors.New("its columns do not begin with cve,epss")
	}
	out := map[string]float64{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if len(row) < 2 {
			return nil, fmt.Errorf("line %d has no score", line)
		}
		score, err := strconv.ParseFloat(row[1], 64)
		if err != nil || !(score >= 0 && score <= 1) {
			return nil, fmt.Errorf("line %d: %q is not a probability", line, row[1])
		}
		out[strings.Clone(row[0])] = score
	}
}

// readKEV reads CISA's catalogue of known exploited vulnerabilities.
func readKEV(name string) (map[string]bool, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list struct {
		Vulnerabilities *[]struct {
			CVE string `json:"cveID"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	if list.Vulnerabilities == nil {
		return nil, errors.New(`it has no "vulnerabilities"`)
	}
	out := map[string]bool{}
	for _, v := range *list.Vulnerabilities {
		out[v.CVE] = true
	}
	return out, nil
}
