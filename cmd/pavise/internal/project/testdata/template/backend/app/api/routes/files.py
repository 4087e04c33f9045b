import fastapi as f

router = f.APIRouter(prefix="/blobs")


@router.put("")  # want upload PUT /files/blobs end
async def put(file: f.UploadFile):
    ...
