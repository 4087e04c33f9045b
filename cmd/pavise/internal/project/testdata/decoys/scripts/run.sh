echo uvicorn a:b
# uvicorn a:b
pip install uvicorn
