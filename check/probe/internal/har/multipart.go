package har

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// maxParts bounds the parts of a form.
const maxParts = 1000

// parts reads a form of parts from its text.
func (p *postData) parts(header string, b *body) {
	for _, kind := range []string{string(p.Type), header} {
		_, params, err := mime.ParseMediaType(kind)
		if err != nil || params["boundary"] == "" {
			continue
		}
		r := multipart.NewReader(strings.NewReader(string(p.Text)), params["boundary"])
		for range maxParts {
			part, err := r.NextRawPart()
			if err != nil {
				return
			}
			if part.FileName() != "" {
				b.files[part.FormName()] = true
				continue
			}
			value, err := io.ReadAll(part)
			if err != nil {
				return
			}
			b.form.Add(part.FormName(), string(value))
		}
		return
	}
}
