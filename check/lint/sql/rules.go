package sql

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var injection = &analysis.Rule{
	ID: "lint/sql-injection", Title: "Request data is part of an SQL statement", Severity: finding.Critical,
	Refs: []string{"CWE-89", "V1.2.4"},
	Text: "Who chooses a part of the statement chooses the statement: all rows are read, changed or deleted.",
	Fix:  "Write placeholders and pass the values apart: execute(text(\"… WHERE name = :name\"), {\"name\": name}). Choose columns and directions from a list.",
	Bad:  "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/users\")\ndef users(name: str):\n    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\").fetchall()\n",
	Good: "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/users\")\ndef users(name: str):\n    return db.execute(\"SELECT * FROM users WHERE name = ?\", (name,)).fetchall()\n",
}

var built = &analysis.Rule{
	ID: "lint/sql-built", Title: "An SQL statement is put together from values", Severity: finding.Medium,
	Refs: []string{"CWE-89", "V1.2.4"},
	Text: "A value in the text of a statement ends it, when it holds a quote; where it comes from may change without anybody who looks here.",
	Fix:  "Write placeholders and pass the values apart.",
	Bad:  "def find(cursor, name):\n    cursor.execute(\"SELECT * FROM users WHERE name = '%s'\" % name)\n",
	Good: "def find(cursor, name):\n    cursor.execute(\"SELECT * FROM users WHERE name = %s\", (name,))\n",
}

var nosql = &analysis.Rule{
	ID: "lint/nosql-injection", Title: "Request data of any form is a filter of MongoDB", Severity: finding.High,
	Refs: []string{"CWE-943", "V1.2.4"},
	Text: "Where a text is expected a client sends {\"$ne\": null}, and the filter matches everything: a login without a password.",
	Fix:  "Declare the field as str in a model of pydantic, or compare with {\"$eq\": value}; never use $where.",
	Bad:  "from fastapi import FastAPI\nfrom pymongo import MongoClient\n\napp = FastAPI()\ndb = MongoClient().app\n\n\n@app.post(\"/login\")\ndef login(body: dict):\n    return db.users.find_one({\"name\": body[\"name\"], \"password\": body[\"password\"]})\n",
	Good: "from fastapi import FastAPI\nfrom pymongo import MongoClient\n\napp = FastAPI()\ndb = MongoClient().app\n\n\n@app.get(\"/users/{name}\")\ndef user(name: str):\n    return db.users.find_one({\"name\": name})\n",
}

var ldap = &analysis.Rule{
	ID: "lint/ldap-injection", Title: "Request data is part of a filter of LDAP", Severity: finding.High,
	Refs: []string{"CWE-90", "V1.2.6", "RFC 4515 section 3"},
	Text: "A * matches every entry, and a bracket ends the condition and begins another: the search gives all there are, or a login takes any password.",
	Fix:  "Escape what is put in: ldap3.utils.conv.escape_filter_chars, ldap.filter.escape_filter_chars.",
	Bad:  "from fastapi import FastAPI\n\nfrom .directory import connection\n\napp = FastAPI()\n\n\n@app.get(\"/people\")\ndef people(name: str):\n    connection.search(\"ou=people\", f\"(&(objectClass=person)(uid={name}))\")\n    return connection.entries\n",
	Good: "from fastapi import FastAPI\nfrom ldap3.utils.conv import escape_filter_chars\n\nfrom .directory import connection\n\napp = FastAPI()\n\n\n@app.get(\"/people\")\ndef people(name: str):\n    connection.search(\"ou=people\", f\"(&(objectClass=person)(uid={escape_filter_chars(name)}))\")\n    return connection.entries\n",
}
