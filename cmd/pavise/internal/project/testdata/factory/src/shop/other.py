import starlette.applications


def make(x: int = 1):
    return starlette.applications.Starlette()  # want app shop.other:make in src starlette factory
