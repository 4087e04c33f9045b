//go:build amd64 && !purego

#include "textflag.h"

// The bytes of VPSHUFB that rotate each 64-bit word right by 24 and by 16.
DATA rotate24<>+0(SB)/8, $0x0201000706050403
DATA rotate24<>+8(SB)/8, $0x0a09080f0e0d0c0b
DATA rotate24<>+16(SB)/8, $0x0201000706050403
DATA rotate24<>+24(SB)/8, $0x0a09080f0e0d0c0b
GLOBL rotate24<>(SB), RODATA|NOPTR, $32

DATA rotate16<>+0(SB)/8, $0x0100070605040302
DATA rotate16<>+8(SB)/8, $0x09080f0e0d0c0b0a
DATA rotate16<>+16(SB)/8, $0x0100070605040302
DATA rotate16<>+24(SB)/8, $0x09080f0e0d0c0b0a
GLOBL rotate16<>(SB), RODATA|NOPTR, $32

// Registers. Two permutations run at once, so that one's multiplications hide
// behind the other's: the first in Y0 to Y3 (a, b, c, d, four columns each),
// the second in Y4 to Y7. Y8 and Y9 are products, Y14 and Y15 the rotations.

// MULADD2: x += y + 2*lo(x)*lo(y), for two pairs.
#define MULADD2(X0, Y0_, X1, Y1_) \
	VPMULUDQ X0, Y0_, Y8; \
	VPMULUDQ X1, Y1_, Y9; \
	VPADDQ   X0, Y0_, X0; \
	VPADDQ   X1, Y1_, X1; \
	VPADDQ   Y8, Y8, Y8;  \
	VPADDQ   Y9, Y9, Y9;  \
	VPADDQ   X0, Y8, X0;  \
	VPADDQ   X1, Y9, X1

#define MIX2 \
	MULADD2(Y0, Y1, Y4, Y5); \
	VPXOR   Y0, Y3, Y3;      \
	VPXOR   Y4, Y7, Y7;      \
	VPSHUFD $0xB1, Y3, Y3;   \
	VPSHUFD $0xB1, Y7, Y7;   \
	MULADD2(Y2, Y3, Y6, Y7); \
	VPXOR   Y2, Y1, Y1;      \
	VPXOR   Y6, Y5, Y5;      \
	VPSHUFB Y14, Y1, Y1;     \
	VPSHUFB Y14, Y5, Y5;     \
	MULADD2(Y0, Y1, Y4, Y5); \
	VPXOR   Y0, Y3, Y3;      \
	VPXOR   Y4, Y7, Y7;      \
	VPSHUFB Y15, Y3, Y3;     \
	VPSHUFB Y15, Y7, Y7;     \
	MULADD2(Y2, Y3, Y6, Y7); \
	VPXOR   Y2, Y1, Y1;      \
	VPXOR   Y6, Y5, Y5;      \
	VPADDQ  Y1, Y1, Y8;      \
	VPADDQ  Y5, Y5, Y9;      \
	VPSRLQ  $63, Y1, Y1;     \
	VPSRLQ  $63, Y5, Y5;     \
	VPXOR   Y8, Y1, Y1;      \
	VPXOR   Y9, Y5, Y5

// PERMUTE2: the columns, then the diagonals.
#define PERMUTE2 \
	MIX2;                   \
	VPERMQ $0x39, Y1, Y1;   \
	VPERMQ $0x39, Y5, Y5;   \
	VPERMQ $0x4E, Y2, Y2;   \
	VPERMQ $0x4E, Y6, Y6;   \
	VPERMQ $0x93, Y3, Y3;   \
	VPERMQ $0x93, Y7, Y7;   \
	MIX2;                   \
	VPERMQ $0x93, Y1, Y1;   \
	VPERMQ $0x93, Y5, Y5;   \
	VPERMQ $0x4E, Y2, Y2;   \
	VPERMQ $0x4E, Y6, Y6;   \
	VPERMQ $0x39, Y3, Y3;   \
	VPERMQ $0x39, Y7, Y7

// XORIN: R = a XOR b, at an offset; out becomes that.
#define XORIN(OFF, R) \
	VMOVDQU OFF(SI)(CX*1), R;    \
	VPXOR   OFF(DX)(CX*1), R, R; \
	VMOVDQU R, OFF(DI)(CX*1)

// XORINTO: the same, but out becomes its own XOR that.
#define XORINTO(OFF, R) \
	VMOVDQU OFF(SI)(CX*1), R;      \
	VPXOR   OFF(DX)(CX*1), R, R;   \
	VPXOR   OFF(DI)(CX*1), R, Y10; \
	VMOVDQU Y10, OFF(DI)(CX*1)

// ROW: the permutations of two rows, into scratch.
#define ROW \
	PERMUTE2;                      \
	VMOVDQU Y0, 0(R8)(CX*1);       \
	VMOVDQU Y1, 32(R8)(CX*1);      \
	VMOVDQU Y2, 64(R8)(CX*1);      \
	VMOVDQU Y3, 96(R8)(CX*1);      \
	VMOVDQU Y4, 128(R8)(CX*1);     \
	VMOVDQU Y5, 160(R8)(CX*1);     \
	VMOVDQU Y6, 192(R8)(CX*1);     \
	VMOVDQU Y7, 224(R8)(CX*1);     \
	ADDQ    $256, CX;              \
	CMPQ    CX, $1024

// PAIR: two words of row 2j and two of row 2j+1 are four words of a column
// permutation's input.
#define LOADPAIR(OFF, X, Y) \
	VMOVDQU     OFF(R8)(CX*1), X;              \
	VINSERTI128 $1, (OFF+128)(R8)(CX*1), Y, Y

// STOREPAIR: out ^= the pair.
#define STOREPAIR(OFF, X, Y) \
	VEXTRACTI128 $1, Y, X10;                 \
	VPXOR        OFF(DI)(CX*1), X, X;        \
	VPXOR        (OFF+128)(DI)(CX*1), X10, X10; \
	VMOVDQU      X, OFF(DI)(CX*1);           \
	VMOVDQU      X10, (OFF+128)(DI)(CX*1)

// func compressAVX2(out, a, b, scratch *Block, xor bool)
TEXT ·compressAVX2(SB), NOSPLIT, $0-33
	MOVQ    out+0(FP), DI
	MOVQ    a+8(FP), SI
	MOVQ    b+16(FP), DX
	MOVQ    scratch+24(FP), R8
	MOVBQZX xor+32(FP), AX
	VMOVDQU rotate24<>(SB), Y14
	VMOVDQU rotate16<>(SB), Y15

	// Rows: eight permutations of 128 contiguous bytes, two at a time.
	XORQ  CX, CX
	TESTQ AX, AX
	JNE   rowsInto

rows:
	XORIN(0, Y0)
	XORIN(32, Y1)
	XORIN(64, Y2)
	XORIN(96, Y3)
	XORIN(128, Y4)
	XORIN(160, Y5)
	XORIN(192, Y6)
	XORIN(224, Y7)
	ROW
	JNE  rows
	JMP  second

rowsInto:
	XORINTO(0, Y0)
	XORINTO(32, Y1)
	XORINTO(64, Y2)
	XORINTO(96, Y3)
	XORINTO(128, Y4)
	XORINTO(160, Y5)
	XORINTO(192, Y6)
	XORINTO(224, Y7)
	ROW
	JNE  rowsInto

second:
	// Columns: eight permutations of two words of each row, two at a time.
	XORQ CX, CX

columns:
	LOADPAIR(0, X0, Y0)
	LOADPAIR(256, X1, Y1)
	LOADPAIR(512, X2, Y2)
	LOADPAIR(768, X3, Y3)
	LOADPAIR(16, X4, Y4)
	LOADPAIR(272, X5, Y5)
	LOADPAIR(528, X6, Y6)
	LOADPAIR(784, X7, Y7)
	PERMUTE2
	STOREPAIR(0, X0, Y0)
	STOREPAIR(256, X1, Y1)
	STOREPAIR(512, X2, Y2)
	STOREPAIR(768, X3, Y3)
	STOREPAIR(16, X4, Y4)
	STOREPAIR(272, X5, Y5)
	STOREPAIR(528, X6, Y6)
	STOREPAIR(784, X7, Y7)
	ADDQ $32, CX
	CMPQ CX, $128
	JNE  columns

	VZEROUPPER
	RET
