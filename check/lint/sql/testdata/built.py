import sqlite3
from dataclasses import dataclass

from sqlalchemy import text

TABLE = "users"
STATES = ["new", "done"]
db = sqlite3.connect("app.db")


def constant():
    db.execute(f"SELECT * FROM {TABLE} WHERE id = 1")  # ok "lint/sql-built"
    for s in STATES:
        db.execute(f"UPDATE {TABLE} SET state = '{s}'")  # ok "lint/sql-built"


def by_name(name):
    return db.execute(f"SELECT * FROM users WHERE name = '{name}'")  # want "lint/sql-built: name is"


def by_email(session, user):
    return session.execute(text("SELECT * FROM users WHERE email = '" + user.email + "'"))  # want "lint/sql-built: user.email"


def like(cur, term: str):
    q = "SELECT * FROM t WHERE x LIKE '%{}%'".format(term)
    cur.execute(q)  # want "lint/sql-built: term is"


def by_id(cur, id: int):
    cur.execute(f"SELECT * FROM users WHERE id = {id}")  # ok "lint/sql-built"


def helper(cur, kind):
    cur.execute(f"SELECT * FROM users WHERE kind = '{kind}'")  # ok "lint/sql-built"


def use(cur):
    helper(cur, "a")
    helper(cur, "b")


def tables(cur, table, columns):
    cur.execute(f"SELECT {', '.join(columns)} FROM {table}")  # ok "lint/sql-built"
    cur.execute(f"INSERT INTO {table} VALUES ({', '.join(['?'] * len(columns))})")  # ok "lint/sql-built"


@dataclass
class Store:
    schema: str

    def rows(self, cur):
        cur.execute(f"SELECT * FROM pg_tables WHERE schemaname = '{self.schema}'")  # ok "lint/sql-built"


def no_sql(executor, name, graph):
    executor.execute(f"hello '{name}'")  # ok "lint/sql-built"
    graph.execute(f"deploy {name}")
    print(f"Select one from '{name}'")
