package audit

// Reach says how far the project uses what is vulnerable. It orders and
// explains; it never hides a finding, for the analysis sees neither plugins
// nor what is imported by a computed name.
type Reach string

// The ways to reach. The empty Reach was not looked for, or could not be told.
const (
	// Called: the call graph leads from the project to the vulnerable
	// function.
	Called Reach = "called"
	// Imported: the project, or a dependency that it imports, imports the
	// package.
	Imported Reach = "imported"
	// NotImported: the project's build does not contain the vulnerable
	// package.
	NotImported Reach = "not imported"
	// NotSeenImported: no import of it was seen. Python can import by a
	// computed name, so that this is less than NotImported.
	NotSeenImported Reach = "not seen imported"
)
