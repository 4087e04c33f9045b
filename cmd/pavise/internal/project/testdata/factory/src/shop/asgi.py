from shop import create_app

app = create_app()  # want app shop.asgi:app in src fastapi docs off
