package pavise

// Settings declares the service's own settings, which pavise settings checks
// before the service starts. No guard reads them.
type Settings struct {
	// Prefix of the variables, such as APP_.
	Prefix string `yaml:"prefix,omitempty"`
	// EnvFiles are .env files, the last one first; empty means .env, if it is
	// there.
	EnvFiles []string `yaml:"env_files,omitempty"`
	// SecretsDirs hold a file for each value.
	SecretsDirs []string `yaml:"secrets_dirs,omitempty"`
	// Nested separates the names of nested fields; empty means "__".
	Nested string `yaml:"nested,omitempty"`
	// CaseSensitive tells APP_DEBUG from app_debug.
	CaseSensitive bool `yaml:"case_sensitive,omitempty"`
	// Expand replaces ${NAME} in .env files.
	Expand bool `yaml:"expand,omitempty"`
	// Extra says what becomes of variables that no field reads: forbid (the
	// default), warn or ignore.
	Extra string `yaml:"extra,omitempty"`
	// Fields are the settings.
	Fields []SettingsField `yaml:"fields,omitempty"`
}

// SettingsField is one setting.
type SettingsField struct {
	// Name in snake case; "db.host" for a nested one.
	Name string `yaml:"name"`
	// Type is string (the default), bool, int, float, duration, bytes, url,
	// list, map, secret or key.
	Type string `yaml:"type,omitempty"`
	// Env are names of variables in place of prefix and name.
	Env []string `yaml:"env,omitempty"`
	// Default is what it is if nobody says; a setting without is required.
	Default *string `yaml:"default,omitempty"`
	// Optional settings may be missing.
	Optional bool `yaml:"optional,omitempty"`
	// OneOf are the values that it may have.
	OneOf []string `yaml:"oneof,omitempty"`
	// MinBytes of a key; 0 means 32.
	MinBytes int `yaml:"min_bytes,omitempty"`
	// Doc is for .env.example.
	Doc string `yaml:"doc,omitempty"`
}
