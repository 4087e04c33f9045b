import jwt
from fastapi import Depends, HTTPException


def verify_signature(body, signature):
    try:
        hmac_verify(body, signature)
        return True
    except Exception:  # want "lint/exception-swallowed: verify_signature says yes"
        return True


def check_permission(user, item):
    try:
        if item.owner_id != user.id:
            raise HTTPException(403)
    except Exception:  # want "lint/exception-swallowed: check_permission goes on"
        pass


async def require_admin(user):
    try:
        await verify_role(user, "admin")
    except:  # want "lint/exception-swallowed"
        logger.warning("no admin")


def is_authorized(token, checks):
    for check in checks:
        try:
            check(token)
        except Exception:  # want "lint/exception-swallowed"
            continue
    return True


def verify_password(password, hashed):
    try:
        return hasher.verify(hashed, password)
    except Exception:  # ok "lint/exception-swallowed"
        pass
    return False


def verify_token(token):
    try:
        return jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.PyJWTError:  # ok "lint/exception-swallowed"
        return None
    except Exception:  # ok "lint/exception-swallowed"
        return False


def get_current_user(request):
    user = None
    try:
        user = from_cookie(request)
    except Exception:  # ok "lint/exception-swallowed"
        pass
    if user is None:
        raise HTTPException(401)
    return user


def authenticate(token):
    try:
        payload = decode(token)
    except Exception as e:  # ok "lint/exception-swallowed"
        raise HTTPException(401) from e
    return payload


def check_health():
    try:
        ping()
    except Exception:  # ok "lint/exception-swallowed"
        pass


def revoke_token(token):
    try:
        verify(token)
    except Exception:  # ok "lint/exception-swallowed"
        pass
