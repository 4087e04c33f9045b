package models

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = "from fastapi import FastAPI, Query\nfrom pydantic import BaseModel, ConfigDict, Field\n\napp = FastAPI()\n\n\n"

var extra = &analysis.Rule{
	ID: "lint/model-extra", Title: "Models of requests ignore fields that they do not know", Severity: finding.Info, Kind: analysis.Posture,
	Refs:   []string{"CWE-20", "CWE-915", "API3", "V2.2.1", "V15.3.3"},
	Text:   "A misspelt field is dropped without a word, and so is is_admin, until somebody adds it to the model.",
	Fix:    "Derive the models of requests from one with model_config = ConfigDict(extra=\"forbid\").",
	Pavise: "probe/mass-assignment",
	Bad:    head + "class Item(BaseModel):\n    name: str = Field(max_length=80)\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return item.name\n",
	Good:   head + "class Item(BaseModel):\n    model_config = ConfigDict(extra=\"forbid\")\n    name: str = Field(max_length=80)\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return item.name\n",
}

var allow = &analysis.Rule{
	ID: "lint/extra-allow", Title: "A model of a request takes any field", Severity: finding.Medium,
	Refs:   []string{"CWE-915", "API3", "V15.3.3"},
	Text:   "With extra=\"allow\" the client's own fields are attributes of the object and stand in model_dump(): what is made of that has is_admin when the client says so.",
	Fix:    "Set extra=\"forbid\", and name the fields; what is open goes into one field that is a dict.",
	Pavise: "probe/mass-assignment",
	Bad:    head + "class Item(BaseModel):\n    model_config = ConfigDict(extra=\"allow\")\n    name: str\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return save(item.model_dump())\n",
	Good:   head + "class Item(BaseModel):\n    model_config = ConfigDict(extra=\"forbid\")\n    name: str\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return save(item.model_dump())\n",
}

var unbounded = &analysis.Rule{
	ID: "lint/str-unbounded", Title: "Texts of requests may have any length", Severity: finding.Low, Kind: analysis.Posture,
	Refs:   []string{"CWE-770", "CWE-1284", "API4", "V2.2.1"},
	Text:   "A name of ten megabytes is hashed, stored, sent by mail and shown to everybody.",
	Fix:    "Give each text a max_length, or all: ConfigDict(str_max_length=…) in the model that the others derive from.",
	Pavise: "limits.body", Guard: "limits",
	Bad:  head + "class Item(BaseModel):\n    name: str\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return item.name\n",
	Good: head + "class Item(BaseModel):\n    name: str = Field(max_length=80)\n\n\n@app.post(\"/items\")\ndef create(item: Item):\n    return item.name\n",
}

var number = &analysis.Rule{
	ID: "lint/number-unbounded", Title: "An amount may be less than nothing", Severity: finding.Low,
	Refs: []string{"CWE-1284", "CWE-20", "V2.2.1", "V2.3.2"},
	Text: "An order of -3 pieces pays its buyer, and a transfer of -100 takes from the receiver.",
	Fix:  "Say what it may be: Field(gt=0, le=1000).",
	Bad:  head + "class Order(BaseModel):\n    item: int\n    quantity: int\n\n\n@app.post(\"/orders\")\ndef order(body: Order):\n    return price(body.item) * body.quantity\n",
	Good: head + "class Order(BaseModel):\n    item: int\n    quantity: int = Field(gt=0, le=100)\n\n\n@app.post(\"/orders\")\ndef order(body: Order):\n    return price(body.item) * body.quantity\n",
}

var price = &analysis.Rule{
	ID: "lint/price-from-client", Title: "The client says what something costs", Severity: finding.Low,
	Refs: []string{"CWE-472", "CWE-602", "API3", "V15.3.3"},
	Text: "Who orders names the thing and its price, and the price is taken as it comes: a crossbow for one cent.",
	Fix:  "Take the id of what is ordered and how many, and look the price up.",
	Bad:  head + "class NewOrder(BaseModel):\n    item: int\n    price: float = Field(gt=0)\n\n\n@app.post(\"/orders\")\ndef order(body: NewOrder):\n    return store.add_order(body.item, body.price)\n",
	Good: head + "class NewOrder(BaseModel):\n    item: int\n\n\n@app.post(\"/orders\")\ndef order(body: NewOrder):\n    return store.add_order(body.item, store.price(body.item))\n",
}

var page = &analysis.Rule{
	ID: "lint/unbounded-page", Title: "The client says how many rows it gets", Severity: finding.Medium,
	Refs: []string{"CWE-770", "CWE-1284", "API4", "V2.2.1", "V15.2.2"},
	Text: "limit=100000000 reads the whole table into memory, as often as somebody asks.",
	Fix:  "Bound it: limit: int = Query(100, ge=1, le=100).",
	Bad:  head + "@app.get(\"/items\")\ndef items(skip: int = 0, limit: int = 100):\n    return db.query(Item).offset(skip).limit(limit).all()\n",
	Good: head + "@app.get(\"/items\")\ndef items(skip: int = 0, limit: int = Query(100, ge=1, le=100)):\n    return db.query(Item).offset(skip).limit(limit).all()\n",
}
