package cookies

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = "from fastapi import Cookie, Depends, FastAPI, Response\n\napp = FastAPI()\n\n\n"

var flags = &analysis.Rule{
	ID: "lint/cookie-flags", Title: "A cookie of a session lacks Secure, HttpOnly or SameSite", Severity: finding.Medium,
	Refs:   []string{"CWE-614", "CWE-1004", "CWE-1275", "API8", "V3.3.1", "V3.3.2", "V3.3.4"},
	Text:   "Without HttpOnly any script on the page reads the session, without Secure any network on the way, and with SameSite=None every site sends it along.",
	Fix:    "Set secure=True, httponly=True, samesite=\"lax\" or \"strict\", and name it __Host-….",
	Pavise: "headers",
	Bad:    head + "@app.post(\"/login\")\ndef login(response: Response):\n    response.set_cookie(\"session\", make_session())\n",
	Good:   head + "@app.post(\"/login\")\ndef login(response: Response):\n    response.set_cookie(\"__Host-session\", make_session(), secure=True, httponly=True, samesite=\"lax\")\n",
}

var domain = &analysis.Rule{
	ID: "lint/cookie-domain", Title: "A cookie of a session goes to all hosts of a domain", Severity: finding.Low,
	Refs: []string{"CWE-668", "V3.3.3", "RFC 6265 section 8.7"},
	Text: "With a domain the browser sends the session to every host below it, and every host below it may set it: the weakest of them has all users.",
	Fix:  "Leave domain out, and name the cookie __Host-….",
	Bad:  head + "@app.post(\"/login\")\ndef login(response: Response):\n    response.set_cookie(\"session\", make_session(), secure=True, httponly=True, domain=\".example.com\")\n",
	Good: head + "@app.post(\"/login\")\ndef login(response: Response):\n    response.set_cookie(\"__Host-session\", make_session(), secure=True, httponly=True)\n",
}

var session = &analysis.Rule{
	ID: "lint/session-middleware", Title: "SessionMiddleware has a known key, or sends its cookie over plain HTTP", Severity: finding.Medium,
	Refs: []string{"CWE-614", "CWE-798", "API2", "V3.3.1", "V11.5.1", "V13.3.1"},
	Text: "The session is in the cookie, signed and not encrypted: with the key anybody writes one, and without Secure anybody on the network reads it.",
	Fix:  "Take secret_key from the environment, 32 random bytes or more, and set https_only=True.",
	Bad:  head + "from starlette.middleware.sessions import SessionMiddleware\n\napp.add_middleware(SessionMiddleware, secret_key=\"change me\", https_only=True)\n",
	Good: head + "from starlette.middleware.sessions import SessionMiddleware\n\nfrom .settings import settings\n\napp.add_middleware(SessionMiddleware, secret_key=settings.session_key, https_only=True)\n",
}

var csrf = &analysis.Rule{
	ID: "lint/csrf", Title: "Other sites can write with the user's cookie", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-352", "V3.5.1", "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html"},
	Text:   "The browser adds the cookie to requests that another site makes it send. SameSite=Lax holds back most of them, not those of sister hosts, of the first two minutes, and of writes by GET.",
	Fix:    "Compare Origin and Sec-Fetch-Site on every write, or ask for a token that the page has and other sites do not.",
	Pavise: "origins", Guard: "origins",
	Bad:  head + "@app.post(\"/transfer\")\ndef transfer(amount: int, session: str = Cookie()):\n    return pay(user_of(session), amount)\n",
	Good: "from fastapi import Depends, FastAPI\nfrom fastapi.security import HTTPBearer\n\napp = FastAPI()\n\n\n@app.post(\"/transfer\")\ndef transfer(amount: int, token=Depends(HTTPBearer())):\n    return pay(user_of(token), amount)\n",
}

var csrfSibling = &analysis.Rule{
	ID: "lint/csrf-sibling", Title: "A write asks for no token against forgery, and others do", Severity: finding.Medium,
	Refs:   []string{"CWE-352", "V3.5.1", "https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html"},
	Text:   "The form of another site is sent with the user's cookie: the token that its neighbours compare is what would tell it from ours.",
	Fix:    "Compare the token here too; best in a dependency of the router, so that no write is left out.",
	Pavise: "origins", Guard: "origins",
	Bad:  form + "@app.post(\"/phone\")\ndef phone(phone: str = Form(), session=Depends(web_session)):\n    save(session.user, phone)\n",
	Good: form + "@app.post(\"/phone\")\ndef phone(phone: str = Form(), csrf_token: str = Form(), session=Depends(web_session)):\n    same(csrf_token, session.csrf)\n    save(session.user, phone)\n",
}

const form = `from fastapi import Cookie, Depends, FastAPI, Form, HTTPException

from .sessions import find, same, save

app = FastAPI()


def web_session(session: str = Cookie()):
    return find(session)


@app.post("/name")
def name(name: str = Form(), csrf_token: str = Form(), session=Depends(web_session)):
    same(csrf_token, session.csrf)
    save(session.user, name)


`
