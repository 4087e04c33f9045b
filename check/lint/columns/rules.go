package columns

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var inTheClear = &analysis.Rule{
	ID: "lint/column-clear", Title: "A column keeps what is sensitive in the clear", Severity: finding.Medium,
	Refs:   []string{"CWE-311", "CWE-312", "V14.2.4"},
	Text:   "A backup, a replica, a query in a log or an injection shows it as it is: numbers of people and cards, and tokens that open other services.",
	Fix:    "Encrypt the column, and keep a keyed hash beside it where it is searched; of a token that is only compared, keep a hash.",
	Pavise: "fieldcrypt, pavise rotate",
	File:   "app/models.py",
	Bad:    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\nclass Patient(Base):\n    __tablename__ = \"patients\"\n    ssn: Mapped[str] = mapped_column()\n",
	Good:   "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\nfrom .crypto import EncryptedString\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\nclass Patient(Base):\n    __tablename__ = \"patients\"\n    ssn: Mapped[str] = mapped_column(EncryptedString(\"patients.ssn\"))\n",
}

var cacheOK = &analysis.Rule{
	ID: "lint/encrypted-cache-ok", Title: "SQLAlchemy does not see the key of an encrypted column", Severity: finding.High,
	Refs: []string{"CWE-1025", "https://docs.sqlalchemy.org/en/20/core/type_api.html#sqlalchemy.types.ExternalType.cache_ok"},
	Text: "With cache_ok = True, a cached statement is used for each column whose type has the same attributes, named as the parameters of __init__. A key that is kept under another name is not among them: one column is encrypted with the key of another.",
	Fix:  "Keep each parameter of __init__ in an attribute of its name, or set cache_ok = False.",
	File: "app/types.py",
	Bad:  "from sqlalchemy.types import LargeBinary, TypeDecorator\n\n\nclass Encrypted(TypeDecorator):\n    impl = LargeBinary\n    cache_ok = True\n\n    def __init__(self, key):\n        super().__init__()\n        self._fernet = Fernet(key)\n\n    def process_bind_param(self, value, dialect):\n        return self._fernet.encrypt(value)\n",
	Good: "from sqlalchemy.types import LargeBinary, TypeDecorator\n\n\nclass Encrypted(TypeDecorator):\n    impl = LargeBinary\n    cache_ok = True\n\n    def __init__(self, key):\n        super().__init__()\n        self.key = key\n\n    def process_bind_param(self, value, dialect):\n        return Fernet(self.key).encrypt(value)\n",
}

var generatedKey = &analysis.Rule{
	ID: "lint/fernet-generated-key", Title: "Data is encrypted with a key that is lost", Severity: finding.High,
	Refs:   []string{"CWE-665", "V13.3.1", "https://cryptography.io/en/latest/fernet/"},
	Text:   "A key that is made when the program starts is gone when it ends, and another worker has another one: what is encrypted cannot be read again.",
	Fix:    "Make the key once, keep it in a store of secrets, and read it from the environment; do not start without it.",
	Pavise: "pavise keys",
	File:   "app/crypto.py",
	Bad:    "from cryptography.fernet import Fernet\n\nfernet = Fernet(Fernet.generate_key())\n",
	Good:   "import os\n\nfrom cryptography.fernet import Fernet, MultiFernet\n\nfernet = MultiFernet([Fernet(k) for k in os.environ[\"KEYS\"].split(\",\")])\n",
}

var noRotation = &analysis.Rule{
	ID: "lint/fernet-no-rotation", Title: "The key of encrypted data cannot be changed", Severity: finding.Low, Kind: analysis.Posture,
	Refs:   []string{"CWE-324", "V11.2.2", "V13.3.4", "https://cryptography.io/en/latest/fernet/#cryptography.fernet.MultiFernet"},
	Text:   "With one Fernet, a key that leaked stays in use until everything is encrypted anew at once.",
	Fix:    "Use MultiFernet with the new key first, and rotate() what is kept.",
	Pavise: "pavise rotate",
	File:   "app/crypto.py",
	Bad:    "import os\n\nfrom cryptography.fernet import Fernet\n\nfernet = Fernet(os.environ[\"KEY\"])\n",
	Good:   "import os\n\nfrom cryptography.fernet import Fernet, MultiFernet\n\nfernet = MultiFernet([Fernet(k) for k in os.environ[\"KEYS\"].split(\",\")])\n",
}

// Analyzer looks at columns and how they are encrypted.
var Analyzer = &analysis.Analyzer{Name: "columns", Rules: []*analysis.Rule{inTheClear, cacheOK, generatedKey, noRotation}, Run: run}
