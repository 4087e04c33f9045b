package accounts

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = "import secrets\n\nfrom fastapi import Depends, FastAPI, HTTPException\n\napp = FastAPI()\n\n\n"

var unthrottled = &analysis.Rule{
	ID: "lint/login-unthrottled", Title: "Passwords may be tried without end", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-307", "API2", "API4", "V6.3.1"},
	Text:   "Nothing counts how often somebody logs in, asks for a reset, or types a code: lists of stolen passwords are tried at network speed.",
	Fix:    "Limit login, reset and codes by account and by address, and answer 429 with Retry-After.",
	Pavise: "rate", Guard: "rate",
	Bad:  head + "@app.post(\"/login\")\ndef login(body: Login):\n    return make_token(authenticate(body.name, body.password))\n",
	Good: head + "limiter = Limiter(key_func=get_remote_address)\n\n\n@app.post(\"/login\")\n@limiter.limit(\"5/minute\")\ndef login(request: Request, body: Login):\n    return make_token(authenticate(body.name, body.password))\n",
}

var loginUnlimited = &analysis.Rule{
	ID: "lint/login-unlimited", Title: "A login is left out of the limits that others have", Severity: finding.Medium,
	Refs:   []string{"CWE-307", "API2", "API4", "V6.3.1"},
	Text:   "Other routes are under a limiter, and this one, where passwords, codes or PINs are guessed, is not: six digits are tried in minutes.",
	Fix:    "Put it under the limiter too, by account and by address: a few tries a minute, and fewer when they fail.",
	Pavise: "rate", Guard: "rate",
	Bad:  head + "@app.get(\"/items\", dependencies=[Depends(RateLimiter(times=60, seconds=60))])\ndef items():\n    return load()\n\n\n@app.post(\"/login\")\ndef login(body: Login):\n    return make_token(authenticate(body.name, body.password))\n",
	Good: head + "@app.get(\"/items\", dependencies=[Depends(RateLimiter(times=60, seconds=60))])\ndef items():\n    return load()\n\n\n@app.post(\"/login\", dependencies=[Depends(RateLimiter(times=5, seconds=60))])\ndef login(body: Login):\n    return make_token(authenticate(body.name, body.password))\n",
}

var inQuery = &analysis.Rule{
	ID: "lint/token-in-query", Title: "A secret is sent in the address", Severity: finding.Medium,
	Refs: []string{"CWE-598", "API2", "V14.2.1", "RFC 6750 section 5.3"},
	Text: "Addresses stand in the logs of servers and proxies, in the history of browsers, and in Referer.",
	Fix:  "Take tokens from the Authorization header, and passwords from the body of a POST.",
	Bad:  head + "@app.get(\"/items\")\ndef items(api_key: str):\n    check(api_key)\n",
	Good: head + "@app.get(\"/items\")\ndef items(api_key: str = Header()):\n    check(api_key)\n\n\nfrom fastapi import Header\n",
}

var resetReturned = &analysis.Rule{
	ID: "lint/reset-token-returned", Title: "The code of a reset is given to whoever asks", Severity: finding.High,
	Refs:   []string{"CWE-640", "API2", "V6.4.3"},
	Text:   "The code proves that one reads the mails of the account. In the answer, or in a log, it proves nothing: anybody resets any password.",
	Fix:    "Send the code by mail only, and answer that it was sent if there is an account.",
	Pavise: "probe/reset-code",
	Bad:    head + "@app.post(\"/forgot-password\")\ndef forgot(email: str):\n    token = secrets.token_urlsafe(32)\n    save(email, token)\n    return {\"reset_token\": token}\n",
	Good:   head + "@app.post(\"/forgot-password\")\ndef forgot(email: str):\n    token = secrets.token_urlsafe(32)\n    save(email, token)\n    send_mail(email, token)\n    return {\"detail\": \"sent\"}\n",
}

var weakOTP = &analysis.Rule{
	ID: "lint/weak-otp", Title: "A one-time code is short", Severity: finding.Medium,
	Refs: []string{"CWE-330", "CWE-331", "API2", "V6.5.4"},
	Text: "Four digits are ten thousand codes: a few hundred tries a minute find it while it is good.",
	Fix:  "Use six digits at least, from secrets.randbelow(10**6), for a few minutes and a few tries; or 128 random bits in a link.",
	Bad:  head + "def new_otp():\n    return str(secrets.randbelow(10000)).zfill(4)\n",
	Good: head + "def new_otp():\n    return str(secrets.randbelow(1000000)).zfill(6)\n",
}

var defaultAccount = &analysis.Rule{
	ID: "lint/default-account", Title: "An account has its password in the source", Severity: finding.High,
	Refs: []string{"CWE-1392", "CWE-798", "API2", "V6.3.2"},
	Text: "Every installation has the account, and whoever reads the source, or guesses admin, logs in.",
	Fix:  "Take the first account's password from the environment without a default, or print a random one once.",
	Bad:  head + "def seed(db):\n    create_user(db, \"admin\", \"admin123\")\n",
	Good: head + "def seed(db):\n    create_user(db, \"admin\", settings.first_password)\n",
}

var hardcodedCheck = &analysis.Rule{
	ID: "lint/hardcoded-credentials-check", Title: "A password is compared with one in the source", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-259", "API2", "V13.3.1"},
	Text:   "Whoever has read the source logs in, and the password cannot be changed without a release.",
	Fix:    "Keep a hash by argon2id of each user's password, and compare with its verify.",
	Pavise: "passwords",
	Bad:    head + "@app.post(\"/session\")\ndef session(body: Login):\n    if body.username == \"admin\" and body.password == \"s3cret\":\n        return make_token(\"admin\")\n",
	Good:   head + "@app.post(\"/session\")\ndef session(body: Login):\n    user = find(body.username)\n    if verify_password(body.password, user.password_hash):\n        return make_token(user)\n",
}

var changeNoCurrent = &analysis.Rule{
	ID: "lint/password-change-no-current", Title: "A password is changed without the current one", Severity: finding.Medium,
	Refs: []string{"CWE-620", "API2", "V6.2.3"},
	Text: "Whoever has a session for a minute, by a stolen token or an open screen, has the account for ever.",
	Fix:  "Ask for the current password, verify it, and end the other sessions.",
	Bad:  head + "@app.post(\"/change-password\")\ndef change_password(body: NewPassword, user=Depends(get_current_user)):\n    user.password_hash = hash_password(body.new_password)\n",
	Good: head + "@app.post(\"/change-password\")\ndef change_password(body: NewPassword, user=Depends(get_current_user)):\n    if not verify_password(body.current_password, user.password_hash):\n        raise HTTPException(400)\n    user.password_hash = hash_password(body.new_password)\n",
}

var bypass = &analysis.Rule{
	ID: "lint/auth-bypass", Title: "A way around authentication", Severity: finding.Critical,
	Refs: []string{"CWE-489", "CWE-798", "CWE-287", "API2", "V6.3.4"},
	Text: "The function that says who calls has a second way in, for whoever sends the right word: it is in the source, and some day in a log.",
	Fix:  "Take it out. In tests, override the dependency with app.dependency_overrides.",
	Bad:  head + "def get_current_user(token: str = Depends(scheme)):\n    if token == \"debug-token\":\n        return User(id=1)\n    return decode(token)\n",
	Good: head + "def get_current_user(token: str = Depends(scheme)):\n    if token is None:\n        raise HTTPException(401)\n    return decode(token)\n",
}

var logoutIdle = &analysis.Rule{
	ID: "lint/logout-idle", Title: "A logout changes what nobody asks for", Severity: finding.Medium,
	Refs:   []string{"CWE-613", "API2", "V7.4.1"},
	Text:   "What the logout deletes, or writes down, is read nowhere: the token goes on being good, for whoever has it.",
	Fix:    "Ask on each request whether the session of the token is still there, or is among those that were ended.",
	Pavise: "probe/logout-revokes",
	Bad:    sessions + "def current_user(claims=Depends(current_claims), db=Depends(get_db)):\n    return db.get(User, claims[\"sub\"])\n\n\n@app.post(\"/logout\")\ndef logout(claims=Depends(current_claims), db=Depends(get_db)):\n    db.query(LoginSession).filter_by(jti=claims[\"jti\"]).delete()\n    db.commit()\n",
	Good:   sessions + "def current_user(claims=Depends(current_claims), db=Depends(get_db)):\n    if db.get(LoginSession, claims[\"jti\"]) is None:\n        raise HTTPException(401)\n    return db.get(User, claims[\"sub\"])\n\n\n@app.post(\"/logout\")\ndef logout(claims=Depends(current_claims), db=Depends(get_db)):\n    db.query(LoginSession).filter_by(jti=claims[\"jti\"]).delete()\n    db.commit()\n",
}

const sessions = `from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import DeclarativeBase, Mapped

from .tokens import current_claims, get_db

app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int]


class LoginSession(Base):
    __tablename__ = "sessions"
    jti: Mapped[str]


`

var checkSkipped = &analysis.Rule{
	ID: "lint/check-skipped", Title: "A secret is compared only where the client sends one", Severity: finding.Medium,
	Refs: []string{"CWE-843", "CWE-287", "API2", "V2.2.1"},
	Text: "The wrong PIN is refused, and none at all, or one of another type, is not: the condition skips the comparison.",
	Fix:  "Give the field its type and require it, and compare it whatever it is: refuse unless the comparison holds.",
	Bad:  head + "class Unlock(BaseModel):\n    pin: str | None = None\n\n\n@app.post(\"/cards/{card_id}/unlock\")\ndef unlock(body: Unlock, card=Depends(own_card)):\n    if body.pin and not secrets.compare_digest(body.pin, card.pin):\n        raise HTTPException(403)\n    card.locked = False\n\n\nfrom pydantic import BaseModel\n",
	Good: head + "class Unlock(BaseModel):\n    pin: str\n\n\n@app.post(\"/cards/{card_id}/unlock\")\ndef unlock(body: Unlock, card=Depends(own_card)):\n    if not secrets.compare_digest(body.pin, card.pin):\n        raise HTTPException(403)\n    card.locked = False\n\n\nfrom pydantic import BaseModel\n",
}

var revocationOff = &analysis.Rule{
	ID: "lint/revocation-off", Title: "A token that was ended is taken by some routes", Severity: finding.Medium,
	Refs:   []string{"CWE-613", "API2", "V7.4.1"},
	Text:   "The check of whether the session has ended is switched off by an argument: behind this dependency a token is good after the logout.",
	Fix:    "Leave the check on for all that lets in; a cache of a few seconds makes it cheap.",
	Pavise: "probe/logout-revokes",
	Bad:    revoked + "def report_user(token: str = Depends(scheme), db=Depends(get_db)):\n    return user_of(decode(token), db, check_session=False)\n\n\n@app.get(\"/report\")\ndef report(user=Depends(report_user)):\n    return user.name\n",
	Good:   revoked + "def report_user(token: str = Depends(scheme), db=Depends(get_db)):\n    return user_of(decode(token), db)\n\n\n@app.get(\"/report\")\ndef report(user=Depends(report_user)):\n    return user.name\n",
}

const revoked = `from fastapi import Depends, FastAPI, HTTPException

from .db import RevokedSession, User, get_db
from .tokens import decode, scheme

app = FastAPI()


def user_of(claims, db, check_session=True):
    if check_session and db.get(RevokedSession, claims["sid"]):
        raise HTTPException(401)
    return db.get(User, claims["sub"])


`
