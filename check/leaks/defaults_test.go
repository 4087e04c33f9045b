package leaks

import "testing"

// TestDefaults: a placeholder that is the default of a key of the service's
// own is in use, unless something refuses to start with it.
func TestDefaults(t *testing.T) {
	class := func(name, body string) string {
		return "from pydantic import Field, SecretStr, field_validator, model_validator\nfrom pydantic_settings import BaseSettings\n\n\nclass " + name + "(BaseSettings):\n" + body
	}
	const key = "    jwt_secret: str = \"shop-key-change-me-in-production\"\n"
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"a/config.py":        class("Settings", "    app_name: str = \"shop\"\n"+key+"    session_secret: SecretStr = SecretStr(\"change-me-please\")\n    secret_key: bytes = Field(default=b\"your-secret-key\")\n"),
		"b/settings.py":      "DEBUG = False\nSECRET_KEY = \"change-this-in-production\"\nJWT_SECRET: str = 'replace-me-please'  # of tokens\nSECRET = \"SECRET\"\nif DEBUG:\n    SESSION_SECRET = \"change-me\"\n",
		"c/base.py":          "from pydantic_settings import BaseSettings\n\n\nclass Base(BaseSettings):\n    signing_key: str = \"placeholder-key\"\n",
		"c/settings.py":      "from c.base import Base\n\n\nclass Settings(Base):\n    name: str = \"shop\"\n",
		"ok/a/config.py":     class("Settings", key+"\n    @field_validator(\"jwt_secret\")\n    def chosen(cls, v):\n        check(v)\n        return v\n"),
		"ok/tests/config.py": class("Settings", key),
		"ok/docs/config.py":  class("Settings", key),
		"ok/d/config.py":     class("DevSettings", key),
		"ok/e/config.py":     class("Settings", "    stripe_secret_key: str = \"change-me-please\"\n    api_key: str = \"change-me-please-1\"\n    smtp_password: str = \"changeme\"\n    secret_key: str\n    cookie_secret: str = \"\"\n    session_key: str = \"default\"\n    token_secret: str = Field(...)\n"),
		"ok/f/config.py":     class("Settings", "    secret_key: str = \"change-me\"  # pavise:allow leaks/env-placeholder a demonstration\n"),
		".env.example":       "SECRET_KEY=change-me\nJWT_SECRET=\n",
	})
	got := look(t, dir, Options{})
	// The validator of ok/a is the whole folder's, which is one project: hence
	// a/config.py is looked at by itself.
	alone := t.TempDir()
	put(t, alone, map[string]string{"config.py": class("Settings", key)})
	want(t, look(t, alone, Options{}), "env-placeholder config.py:6")
	kept := got[:0]
	for _, g := range got {
		if len(g) > 15 && g[:15] == "env-placeholder" {
			kept = append(kept, g)
		}
	}
	want(t, kept, "env-placeholder a/config.py:8", "env-placeholder a/config.py:9", "env-placeholder b/settings.py:2", "env-placeholder b/settings.py:3", "env-placeholder c/base.py:5")
	for name, check := range map[string]string{
		"in main":    "if not settings.debug and settings.jwt_secret == DEFAULT:\n    raise SystemExit(1)\n",
		"by value":   "def refuse(settings):\n    if getattr(settings, NAME) == \"shop-key-change-me-in-production\":\n        raise SystemExit(1)\n",
		"by a list":  "INSECURE = {\"shop-key-change-me-in-production\", \"secret\"}\n",
		"by a loop":  "for name in (\"jwt_secret\", \"other\"):\n    refuse(name)\n",
		"by a begin": "def refuse(settings):\n    assert not settings.jwt_secret.startswith(\"shop-key\")\n",
	} {
		dir := t.TempDir()
		put(t, dir, map[string]string{"config.py": class("Settings", key), "main.py": check})
		if got := look(t, dir, Options{}); len(got) > 0 {
			t.Errorf("refused %s: got %q", name, got)
		}
	}
}
