package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// keeps are methods whose result is made of what they are called on and with.
var keeps = strings.Fields("format join replace substitute safe_substitute strip lstrip rstrip lower upper title encode decode split rsplit splitlines get pop items keys values copy removeprefix removesuffix format_map read json dict model_dump joinpath with_name casefold swapcase zfill ljust rjust center partition expandtabs getlist multi_items setdefault")

// joins are those whose result is made of what they are called with.
var joins = strings.Fields("format join replace substitute safe_substitute format_map setdefault joinpath with_name")

// carries tells whether an object of a class is what its arguments are.
func (c *Class) carries() bool {
	if c.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") {
		return !c.IsTable()
	}
	return c.IsA("typing.NamedTuple", "typing.TypedDict", "msgspec.Struct") ||
		slices.ContainsFunc(c.Decorators, func(d pyast.Expr) bool { return strings.Contains(exprName(d), "dataclass") })
}

// safe are functions whose result is no text of a client's choice.
var safe = map[string]bool{
	"builtins.int": true, "builtins.float": true, "builtins.bool": true, "builtins.len": true, "builtins.hash": true, "builtins.ord": true, "builtins.round": true,
	"builtins.isinstance": true, "builtins.hasattr": true, "builtins.abs": true, "uuid.UUID": true, "decimal.Decimal": true,
	"datetime.datetime.fromisoformat": true, "datetime.datetime.strptime": true, "datetime.date.fromisoformat": true,
	"html.escape": true, "markupsafe.escape": true, "bleach.clean": true, "nh3.clean": true, "shlex.quote": true, "os.path.basename": true, "werkzeug.utils.secure_filename": true,
	"urllib.parse.quote": true, "urllib.parse.quote_plus": true, "re.escape": true, "secrets.compare_digest": true, "hmac.compare_digest": true,
	"os.path.exists": true, "os.path.isfile": true, "os.path.isdir": true, "mimetypes.guess_type": true,
}

// answers are packages whose functions give what a database, another server, a
// program or a key said, and not what they were asked.
var answers = []string{"sqlmodel.", "secrets.", "hashlib.", "jwt.", "jose.", "authlib.", "itsdangerous.", "httpx.", "requests.", "aiohttp.", "subprocess.", "sqlite3.", "psycopg", "asyncpg.", "aiosqlite.", "redis.", "boto3.", "pymongo.", "motor.", "socket.", "elasticsearch.", "os.environ", "tempfile."}

// elsewhere tells whether what a function gives is not made of its arguments.
func elsewhere(name string) bool {
	switch name {
	case "builtins.open", "io.open", "aiofiles.open", "gzip.open", "codecs.open", "os.getenv", "os.listdir", "os.stat", "os.path.getsize", "builtins.getattr", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "urllib.request.urlopen", "pathlib.Path.read_text", "pathlib.Path.read_bytes":
		return true
	}
	return strings.Contains(name, "sqlalchemy.") || slices.ContainsFunc(answers, func(top string) bool { return strings.HasPrefix(name, top) })
}

// IsTable tells whether a class is a table of a database.
func (c *Class) IsTable() bool {
	if c.IsA("sqlalchemy.orm.DeclarativeBase", "django.db.models.Model", "tortoise.models.Model", "beanie.Document", "flask_sqlalchemy.Model") {
		return true
	}
	for _, k := range c.Keywords {
		if v, ok := k.Value.(*pyast.Constant); ok && k.Name == "table" && v.Kind == pyast.True {
			return true
		}
	}
	if b := c.Scope.Names["__tablename__"]; b != nil {
		return true
	}
	for _, f := range c.Fields {
		call, ok := f.Value.(*pyast.Call)
		if !ok {
			continue
		}
		switch c.Scope.Qualified(call.Func) {
		case "sqlalchemy.Column", "sqlalchemy.orm.mapped_column":
			return true
		}
	}
	return false
}
