from enum import Enum, auto

from fastapi import HTTPException

LABELS = {"a": lambda row: row.title}


class Action(Enum):
    view = auto()
    edit = auto()


def mine(user, row) -> bool:
    return user is not None and row.owner_id == user.id


RULES = {
    Action.view: lambda user, row: row.public or mine(user, row),
}
STRICT = {"view": mine}


class For:
    def __init__(self, action: Action):
        self.rule = RULES.get(action, lambda user, row: user is not None)  # want "lint/default-allow: RULES has rules"

    def __call__(self, row, user):
        if not self.rule(user, row):
            raise HTTPException(404)
        return row


def may(action, user, row):
    return STRICT.get(action, lambda user, row: True)(user, row)  # want "lint/default-allow"


def may_not(action, user, row):
    return STRICT.get(action, lambda user, row: False)(user, row)  # ok "lint/default-allow"


def member(action, user, row):
    return STRICT.get(action, lambda user, row: user.is_admin)(user, row)  # ok "lint/default-allow"


def label(key, row):
    return LABELS.get(key, lambda row: True)(row)  # ok "lint/default-allow"
