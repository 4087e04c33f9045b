package pyast

// kind is the kind of a token.
type kind uint8

const (
	tEOF kind = iota
	tNewline
	tIndent
	tDedent
	tName
	tNumber
	tString
	tBad // what no token begins with; the lexer has noted why

	// Keywords.
	kFalse
	kNone
	kTrue
	kAnd
	kAs
	kAssert
	kAsync
	kAwait
	kBreak
	kClass
	kContinue
	kDef
	kDel
	kElif
	kElse
	kExcept
	kFinally
	kFor
	kFrom
	kGlobal
	kIf
	kImport
	kIn
	kIs
	kLambda
	kNonlocal
	kNot
	kOr
	kPass
	kRaise
	kReturn
	kTry
	kWhile
	kWith
	kYield

	// Operators and delimiters.
	oLpar
	oRpar
	oLsqb
	oRsqb
	oLbrace
	oRbrace
	oColon
	oComma
	oSemi
	oDot
	oEllipsis
	oAt
	oEqual
	oArrow
	oColonEqual
	oPlus
	oMinus
	oStar
	oDoubleStar
	oSlash
	oDoubleSlash
	oPercent
	oVbar
	oAmper
	oCircumflex
	oTilde
	oLess
	oGreater
	oLessEqual
	oGreaterEqual
	oEqEqual
	oNotEqual
	oLeftShift
	oRightShift
	oExclamation
	// Augmented assignments, in the order of binaryOf.
	oPlusEqual
	oMinusEqual
	oStarEqual
	oAtEqual
	oSlashEqual
	oPercentEqual
	oDoubleStarEqual
	oLeftShiftEqual
	oRightShiftEqual
	oVbarEqual
	oCircumflexEqual
	oAmperEqual
	oDoubleSlashEqual
)

// augmented is the operator of an augmented assignment, or NoOp.
func augmented(k kind) Op {
	if k < oPlusEqual || k > oDoubleSlashEqual {
		return NoOp
	}
	return [...]Op{Add, Sub, Mult, MatMult, Div, Mod, Pow, LShift, RShift, BitOr, BitXor, BitAnd, FloorDiv}[k-oPlusEqual]
}

type token struct {
	kind     kind
	from, to int32
}

// keyword is the keyword that a word is, or tName.
func keyword(w string) kind {
	switch w {
	case "False":
		return kFalse
	case "None":
		return kNone
	case "True":
		return kTrue
	case "and":
		return kAnd
	case "as":
		return kAs
	case "assert":
		return kAssert
	case "async":
		return kAsync
	case "await":
		return kAwait
	case "break":
		return kBreak
	case "class":
		return kClass
	case "continue":
		return kContinue
	case "def":
		return kDef
	case "del":
		return kDel
	case "elif":
		return kElif
	case "else":
		return kElse
	case "except":
		return kExcept
	case "finally":
		return kFinally
	case "for":
		return kFor
	case "from":
		return kFrom
	case "global":
		return kGlobal
	case "if":
		return kIf
	case "import":
		return kImport
	case "in":
		return kIn
	case "is":
		return kIs
	case "lambda":
		return kLambda
	case "nonlocal":
		return kNonlocal
	case "not":
		return kNot
	case "or":
		return kOr
	case "pass":
		return kPass
	case "raise":
		return kRaise
	case "return":
		return kReturn
	case "try":
		return kTry
	case "while":
		return kWhile
	case "with":
		return kWith
	case "yield":
		return kYield
	}
	return tName
}

// statementOnly tells whether a keyword stands in no expression: at the start
// of a line within brackets it says that a bracket was not closed.
func statementOnly(k kind) bool {
	switch k {
	case kDef, kClass, kImport, kReturn, kWith, kWhile, kTry, kRaise, kPass, kBreak, kContinue, kDel, kGlobal, kNonlocal, kAssert, kExcept, kFinally:
		return true
	}
	return false
}
