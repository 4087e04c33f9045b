from fastapi import APIRouter

router = APIRouter(tags=["login"])


@router.post("/login/access-token")  # want login POST /login/access-token end
def login_access_token():
    ...


@router.post("/password-recovery/{email}")  # want login POST /password-recovery/{email} end
def recover_password(email: str):
    ...
