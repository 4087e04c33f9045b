package gateway

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

// metrics are what /-/metrics shows. Their labels take few values: no path,
// client or host is one.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	byStatus [600]atomic.Pointer[prometheus.Counter] // spares the hot path the label look-up
	refusals *prometheus.CounterVec
	duration prometheus.Histogram
	reloads  *prometheus.CounterVec
	loaded   prometheus.Gauge
}

func newMetrics(inFlight, pending func() float64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pavise_requests_total", Help: "Requests answered, by response status.",
		}, []string{"status"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pavise_refusals_total", Help: "Verdicts against requests, by rule and by what became of them.",
		}, []string{"rule", "mode"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pavise_request_duration_seconds", Help: "Time from the request's head to the end of its response.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pavise_policy_reloads_total", Help: "Attempts to load the policy again, by result.",
		}, []string{"result"}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pavise_policy_loaded_timestamp_seconds", Help: "When the policy in force was loaded.",
		}),
	}
	m.registry.MustRegister(m.requests, m.refusals, m.duration, m.reloads, m.loaded,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pavise_requests_in_flight", Help: "Requests being served."}, inFlight),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pavise_upstream_pending", Help: "Requests that wait for the upstream's answer."}, pending),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func (m *metrics) served(e pavise.Exchange) {
	status := e.Status
	if status < 0 || status >= len(m.byStatus) {
		status = 0
	}
	counter := m.byStatus[status].Load()
	if counter == nil {
		c := m.requests.WithLabelValues(strconv.Itoa(status))
		counter = &c
		m.byStatus[status].Store(counter)
	}
	(*counter).Inc()
	m.duration.Observe(e.Duration.Seconds())
}

func (m *metrics) verdict(ref *guard.Refusal, observed bool) {
	mode := guard.Enforce
	if observed {
		mode = guard.Observe
	}
	m.refusals.WithLabelValues(ref.Rule, string(mode)).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
