package pavise

import _ "embed"

//go:embed pavise.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of a policy file. Editors
// that find it by the file's $schema line complete keys and mark mistakes.
func Schema() []byte { return append([]byte(nil), schema...) }

// SchemaURL is where the newest schema is published.
const SchemaURL = "https://raw.githubusercontent.com/pavise-dev/pavise/main/pavise.schema.json"
