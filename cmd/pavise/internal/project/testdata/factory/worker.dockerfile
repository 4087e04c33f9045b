FROM alpine
# want-next command uvicorn shop.other:make host= port= workers= service=
ENTRYPOINT ["sh", "-c", "./migrate; uvicorn 'shop.other:make' --factory"]
