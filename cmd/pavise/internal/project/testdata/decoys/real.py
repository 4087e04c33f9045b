from fastapi import FastAPI as API


def local(needed):
    app = API()
    return app


class Holder:
    app = API()


service = API()  # want app real:service in . fastapi
