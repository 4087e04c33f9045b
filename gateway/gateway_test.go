package gateway

import (
	"context"
	"log/slog"
	"testing"
)

// testLog writes the gateway's log to the test's.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// testContext is done when the test ends, and not before its clean-ups.
func testContext(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(t.Context()))
}
