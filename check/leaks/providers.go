package leaks

import (
	"regexp"
	"strings"

	"github.com/pavise-dev/pavise/finding"
)

// token is a rule of a provider's token that is known by its first characters.
// Body is the pattern of what follows them; no letter or digit may stand
// before or behind.
func token(id, what, prefix, body, sample string, severity finding.Severity) Rule {
	return tokens(id, what, []string{prefix}, regexp.QuoteMeta(prefix)+body, prefix+sample, severity)
}

func tokens(id, what string, prefixes []string, pattern, sample string, severity finding.Severity) Rule {
	r := Rule{ID: id, What: what, Pattern: `^(` + pattern + `)(?:$|[^A-Za-z0-9_-])`, Prefixes: prefixes, Severity: severity, Literal: true, anchored: true}
	for _, p := range prefixes {
		r.Keywords = append(r.Keywords, strings.ToLower(p))
	}
	r.True = []string{marked("value = \"", sample, "\""), marked("", sample, ""), marked("https://h/?k=", sample, "&x")}
	// Half of one, and one that is a part of something longer.
	r.False = []string{"value = \"" + sample[:min(len(prefixes[0])+12, len(sample)-4)] + "\"", "value = \"x" + sample + "\"", "value = \"" + prefixes[0] + "...\""}
	return r
}

// providers are tokens whose shape their providers document.
func providers() []Rule {
	const critical, high, medium = finding.Critical, finding.High, finding.Medium
	return summed([]Rule{
		// Code hosts and what builds and publishes.
		tokens("github-token", "GitHub token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, `gh[pousr]_[A-Za-z0-9]{36,255}`, "ghp_"+withSum(chars(30, base62)), critical),
		token("github-fine-grained", "fine-grained GitHub token", "github_pat_", `[A-Za-z0-9]{22}_[A-Za-z0-9]{59}`, chars(22, base62)+"_"+chars(59, base62), critical),
		tokens("gitlab-token", "GitLab token", []string{"glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glagent-"}, `gl(?:pat|dt|rt|ptt|cbt|soat|ft|agent)-[A-Za-z0-9_.-]{20,300}`, "glpat-"+chars(20, base62), critical),
		tokens("bitbucket-token", "Bitbucket app password", []string{"ATBB"}, `ATBB[A-Za-z0-9]{32}`, "ATBB"+chars(32, base62), critical),
		token("npm-token", "npm token", "npm_", `[A-Za-z0-9]{36}`, withSum(chars(30, base62)), critical),
		token("pypi-token", "PyPI token", "pypi-AgEI", `[A-Za-z0-9_-]{50,500}`, chars(90, base62), critical),
		token("rubygems-token", "RubyGems key", "rubygems_", `[0-9a-f]{48}`, chars(48, hexa), critical),
		token("crates-token", "crates.io token", "cio", `[A-Za-z0-9]{32}`, chars(32, base62), high),
		token("docker-token", "Docker Hub token", "dckr_pat_", `[A-Za-z0-9_-]{27}`, chars(27, base62), critical),
		token("circleci-token", "CircleCI token", "CCIPAT_", `[A-Za-z0-9]{22}_[0-9a-f]{40}`, chars(22, base62)+"_"+chars(40, hexa), critical),
		token("buildkite-token", "Buildkite token", "bkua_", `[0-9a-f]{40}`, chars(40, hexa), critical),
		token("sonar-token", "SonarQube token", "squ_", `[0-9a-f]{40}`, chars(40, hexa), high),
		// Clouds.
		awsAccessKey(),
		token("google-api-key", "Google API key", "AIza", `[A-Za-z0-9_-]{35}`, chars(35, base62), high),
		token("google-oauth-secret", "Google OAuth secret", "GOCSPX-", `[A-Za-z0-9_-]{28}`, chars(28, base62), critical),
		token("google-access-token", "Google access token", "ya29.", `[A-Za-z0-9_-]{40,400}`, chars(80, base62), high),
		{
			ID: "azure-storage-key", What: "Azure storage key", Keywords: []string{"accountkey="}, Pattern: `(?i)AccountKey=([A-Za-z0-9+/]{86}==)`, Severity: critical, Literal: true,
			True:  []string{marked("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", chars(86, standard)+"==", ";EndpointSuffix=core.windows.net"), marked("AccountKey=", chars(86, base62)+"==", ""), marked("x: \"accountkey=", chars(86, standard)+"==", "\"")},
			False: []string{"AccountKey=${KEY}", "AccountKey=" + chars(40, base62) + "==", "AccountKey=<key>"},
		},
		{
			ID: "azure-client-secret", What: "Azure client secret", Keywords: []string{"q~"}, Pattern: `(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?:$|[^A-Za-z0-9_~.-])`, Severity: critical, Literal: true,
			True:  []string{marked("secret=", "abC8Q~"+chars(34, base62), ""), marked("'", "a.b1Q~"+chars(31, urlsafe), "'"), marked("= \"", "x~y7Q~"+chars(34, base62), "\"")},
			False: []string{"abC8Q~short", "Q~" + chars(34, base62), "abCdQ~" + chars(34, base62)},
		},
		tokens("digitalocean-token", "DigitalOcean token", []string{"dop_v1_", "doo_v1_", "dor_v1_"}, `do[por]_v1_[0-9a-f]{64}`, "dop_v1_"+chars(64, hexa), critical),
		token("heroku-key", "Heroku key", "HRKU-", `[A-Za-z0-9_-]{36,70}`, chars(60, base62), critical),
		token("fly-token", "Fly.io token", "FlyV1 ", `fm[12]_[A-Za-z0-9+/=_,-]{60,1000}`, "fm2_"+chars(120, base62), critical),
		token("cloudflare-ca-key", "Cloudflare origin CA key", "v1.0-", `[0-9a-f]{24}-[0-9a-f]{146}`, chars(24, hexa)+"-"+chars(146, hexa), critical),
		token("render-key", "Render key", "rnd_", `[A-Za-z0-9]{28,40}`, chars(32, base62), high),
		token("supabase-token", "Supabase token", "sbp_", `[0-9a-f]{40}`, chars(40, hexa), critical),
		tokens("planetscale-token", "PlanetScale token", []string{"pscale_tkn_", "pscale_pw_", "pscale_oauth_"}, `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}`, "pscale_tkn_"+chars(43, base62), critical),
		token("databricks-token", "Databricks token", "dapi", `[0-9a-f]{32}(?:-[0-9])?`, chars(32, hexa), critical),
		tokens("vault-token", "HashiCorp Vault token", []string{"hvs.", "hvb."}, `hv[sb]\.[A-Za-z0-9_-]{24,300}`, "hvs."+chars(90, base62), critical),
		{
			ID: "terraform-token", What: "Terraform Cloud token", Keywords: []string{".atlasv1."}, Pattern: `(?:^|[^A-Za-z0-9_])([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70})(?:$|[^A-Za-z0-9_-])`, Severity: critical, Literal: true,
			True:  []string{marked("token = \"", chars(14, base62)+".atlasv1."+chars(67, base62), "\""), marked("", chars(14, base62)+".atlasv1."+chars(60, base62), ""), marked("'", chars(14, base62)+".atlasv1."+chars(70, base62), "'")},
			False: []string{"x.atlasv1.y", chars(14, base62) + ".atlasv1." + chars(20, base62), ".atlasv1." + chars(67, base62)},
		},
		token("pulumi-token", "Pulumi token", "pul-", `[0-9a-f]{40}`, chars(40, hexa), critical),
		tokens("doppler-token", "Doppler token", []string{"dp.pt.", "dp.st.", "dp.ct.", "dp.sa."}, `dp\.(?:pt|ct|sa|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}`, "dp.pt."+chars(43, base62), critical),
		// Payment.
		tokens("stripe-key", "Stripe secret key", []string{"sk_live_", "rk_live_"}, `[sr]k_live_[A-Za-z0-9]{16,250}`, "sk_live_"+chars(24, base62), critical),
		tokens("stripe-test-key", "Stripe test key", []string{"sk_test_", "rk_test_"}, `[sr]k_test_[A-Za-z0-9]{16,250}`, "sk_test_"+chars(24, base62), medium),
		token("stripe-webhook-secret", "Stripe webhook secret", "whsec_", `[A-Za-z0-9+/=]{24,80}`, chars(32, base62), high),
		tokens("square-token", "Square token", []string{"sq0atp-", "sq0csp-"}, `sq0(?:atp-[A-Za-z0-9_-]{22}|csp-[A-Za-z0-9_-]{43})`, "sq0csp-"+chars(43, base62), critical),
		tokens("shopify-token", "Shopify token", []string{"shpat_", "shpca_", "shppa_", "shpss_"}, `shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`, "shpat_"+chars(32, hexa), critical),
		token("braintree-token", "Braintree token", "access_token$production$", `[0-9a-z]{16}\$[0-9a-f]{32}`, chars(16, base36)+"$"+chars(32, hexa), critical),
		tokens("razorpay-key", "Razorpay key", []string{"rzp_live_"}, `rzp_live_[A-Za-z0-9]{14,20}`, "rzp_live_"+chars(14, base62), high),
		token("flutterwave-key", "Flutterwave secret key", "FLWSECK-", `[0-9a-f]{32}-X`, chars(32, hexa)+"-X", critical),
		// Mail and messages.
		token("sendgrid-key", "SendGrid key", "SG.", `[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`, chars(22, base62)+"."+chars(43, base62), critical),
		token("mailgun-key", "Mailgun key", "key-", `[0-9a-f]{32}`, chars(32, hexa), high),
		{
			ID: "mailchimp-key", What: "Mailchimp key", Keywords: []string{"-us"}, Pattern: `(?:^|[^A-Za-z0-9_-])([0-9a-f]{32}-us[0-9]{1,2})(?:$|[^A-Za-z0-9_-])`, Severity: high, Literal: true,
			True:  []string{marked("k = '", chars(32, hexa)+"-us12", "'"), marked("", chars(32, hexa)+"-us1", ""), marked("key: ", chars(32, hexa)+"-us20", "")},
			False: []string{"region-us1", chars(31, hexa) + "-us12", chars(32, hexa) + "-use"},
		},
		token("brevo-key", "Brevo key", "xkeysib-", `[0-9a-f]{64}-[A-Za-z0-9]{16}`, chars(64, hexa)+"-"+chars(16, base62), critical),
		token("resend-key", "Resend key", "re_", `[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}`, chars(8, base62)+"_"+chars(24, base62), high),
		token("twilio-key", "Twilio API key", "SK", `[0-9a-f]{32}`, chars(32, hexa), high),
		tokens("slack-token", "Slack token", []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe."}, `xox[abeoprs][-.][A-Za-z0-9.-]{20,300}`, "xoxb-"+chars(12, digits)+"-"+chars(12, digits)+"-"+chars(24, base62), critical),
		token("slack-app-token", "Slack app token", "xapp-", `[0-9]-[A-Z0-9]{9,13}-[0-9]{10,15}-[0-9a-f]{64}`, "1-A"+chars(10, digits)+"-"+chars(13, digits)+"-"+chars(64, hexa), critical),
		token("slack-webhook", "Slack webhook", "https://hooks.slack.com/", `(?:services|workflows|triggers)/[A-Z0-9]{8,13}/[A-Z0-9]{8,20}/[A-Za-z0-9]{20,60}`, "services/T"+chars(9, digits)+"/B"+chars(9, digits)+"/"+chars(24, base62), high),
		tokens("discord-webhook", "Discord webhook", []string{"https://discord.com/api/webhooks/", "https://discordapp.com/api/webhooks/"}, `https://discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}`, "https://discord.com/api/webhooks/"+chars(18, digits)+"/"+chars(68, base62), high),
		{
			ID: "discord-token", What: "Discord bot token", Keywords: []string{"discord", "bot", "token"}, Pattern: `(?:^|[^A-Za-z0-9_.-])([MNO][A-Za-z0-9]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})(?:$|[^A-Za-z0-9_.-])`, Entropy: 3.5, Severity: critical, Literal: true,
			True:  []string{marked("DISCORD_TOKEN=", "M"+chars(23, base62)+"."+chars(6, base62)+"."+chars(27, base62), ""), marked("bot.run('", "N"+chars(25, base62)+"."+chars(6, base62)+"."+chars(38, base62), "')"), marked("token: ", "O"+chars(23, base62)+"."+chars(6, base62)+"."+chars(30, base62), "")},
			False: []string{"bot.run(token)", "discord.ext.commands", "token = M" + chars(10, base62) + ".abc.def"},
		},
		{
			ID: "telegram-token", What: "Telegram bot token", Keywords: []string{":aa"}, Pattern: `(?:^|[^A-Za-z0-9_])([0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?:$|[^A-Za-z0-9_-])`, Severity: critical, Literal: true,
			True:  []string{marked("t = '", chars(10, digits)+":AA"+chars(33, base62), "'"), marked("TOKEN=", chars(9, digits)+":AA"+chars(33, base62), ""), marked("bot ", chars(8, digits)+":AA"+chars(33, base62), " x")},
			False: []string{"12:AA", chars(10, digits) + ":AA" + chars(20, base62), chars(10, digits) + ":BB" + chars(33, base62)},
		},
		token("teams-webhook", "Teams webhook", "https://", `[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@-]{60,90}/IncomingWebhook/[0-9a-f]{32}/[A-Za-z0-9-]{36,90}`, "us.webhook.office.com/webhookb2/"+chars(73, hexa)+"/IncomingWebhook/"+chars(32, hexa)+"/"+chars(36, hexa), high),
		// Models.
		{
			ID: "openai-key", What: "OpenAI key", Keywords: []string{"t3blbkfj"}, Prefixes: []string{"sk-proj-", "sk-svcacct-", "sk-admin-", "sk-"}, Pattern: `(?:^|[^A-Za-z0-9_])(sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100})(?:$|[^A-Za-z0-9_-])`, Severity: critical, Literal: true,
			True:  []string{marked("k = '", "sk-"+chars(20, base62)+"T3Blbk"+"FJ"+chars(20, base62), "'"), marked("", "sk-proj-"+chars(74, base62)+"T3Blbk"+"FJ"+chars(74, base62), ""), marked("KEY=", "sk-svcacct-"+chars(60, base62)+"T3Blbk"+"FJ"+chars(60, base62), "")},
			False: []string{"T3Blbk" + "FJ", "sk-" + chars(5, base62) + "T3Blbk" + "FJ", "sk-proj-..."},
		},
		tokens("anthropic-key", "Anthropic key", []string{"sk-ant-api03-", "sk-ant-admin01-"}, `sk-ant-(?:api03|admin01)-[A-Za-z0-9_-]{80,120}`, "sk-ant-api03-"+chars(95, base62), critical),
		token("huggingface-token", "Hugging Face token", "hf_", `[A-Za-z]{34}`, chars(34, lower), critical),
		token("replicate-token", "Replicate token", "r8_", `[A-Za-z0-9]{37}`, chars(37, base62), critical),
		token("groq-key", "Groq key", "gsk_", `[A-Za-z0-9]{52}`, chars(52, base62), critical),
		token("perplexity-key", "Perplexity key", "pplx-", `[A-Za-z0-9]{48,56}`, chars(48, base62), critical),
		token("xai-key", "xAI key", "xai-", `[A-Za-z0-9]{70,90}`, chars(80, base62), critical),
		// Tools.
		token("linear-key", "Linear key", "lin_api_", `[A-Za-z0-9]{40}`, chars(40, base62), high),
		token("notion-token", "Notion token", "ntn_", `[A-Za-z0-9]{40,50}`, chars(46, base62), high),
		token("atlassian-token", "Atlassian token", "ATATT3", `[A-Za-z0-9_=-]{180,200}`, chars(186, base62), critical),
		token("figma-token", "Figma token", "figd_", `[A-Za-z0-9_-]{40}`, chars(40, base62), high),
		token("airtable-token", "Airtable token", "pat", `[A-Za-z0-9]{14}\.[0-9a-f]{64}`, chars(14, base62)+"."+chars(64, hexa), high),
		token("postman-key", "Postman key", "PMAK-", `[0-9a-f]{24}-[0-9a-f]{34}`, chars(24, hexa)+"-"+chars(34, hexa), high),
		token("sentry-token", "Sentry token", "sntrys_", `[A-Za-z0-9+/=_-]{60,300}`, chars(120, base62), high),
		token("newrelic-key", "New Relic key", "NRAK-", `[A-Z0-9]{27}`, chars(27, base32), high),
		token("grafana-token", "Grafana token", "glsa_", `[A-Za-z0-9]{32}_[0-9a-f]{8}`, chars(32, base62)+"_"+littleSum("glsa_"+chars(32, base62)), critical),
		token("prefect-key", "Prefect key", "pnu_", `[A-Za-z0-9]{36}`, chars(36, base62), high),
		token("dynatrace-token", "Dynatrace token", "dt0c01.", `[A-Z0-9]{24}\.[A-Z0-9]{64}`, chars(24, base32)+"."+chars(64, base32), critical),
		token("age-key", "age secret key", "AGE-SECRET-KEY-1", `[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`, ageSample(), critical),
	})
}

// awsAccessKey leaves out the key of Amazon's own documentation.
func awsAccessKey() Rule {
	r := tokens("aws-access-key", "AWS access key", []string{"AKIA", "ASIA", "ABIA", "ACCA"}, `A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}`, "AKIA"+chars(16, base32), finding.Critical)
	r.valid = func(_, s string) bool { return !strings.HasSuffix(s, "EXAMPLE") }
	r.False = append(r.False, "key = 'AKIAIOSFODNN7"+"EXAMPLE'")
	return r
}
