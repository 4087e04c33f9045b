package proxy

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var bodySize = &analysis.Rule{
	ID: "lint/nginx-body-size", Title: "nginx lets bodies of any size through", Severity: finding.Low,
	Refs: []string{"CWE-770", "CWE-400", "API4", "V5.2.1", "V15.2.2"}, Pavise: "limits",
	Text: "Without client_max_body_size nginx stops at 1 MB. With 0, or gigabytes for all locations, each request may fill the memory or the disk of the application.",
	Fix:  "Leave it out, and set what an upload needs in that upload's location alone.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    client_max_body_size 0;\n    location / { proxy_pass http://api:8000; }\n}\n",
	Good: "server {\n    server_tokens off;\n    client_max_body_size 2m;\n    location / { proxy_pass http://api:8000; }\n}\n",
}

var serverTokens = &analysis.Rule{
	ID: "lint/nginx-server-tokens", Title: "nginx tells its version", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-200", "API8", "V13.4.6"}, Guard: "headers", Pavise: "headers",
	Text: "Who looks for a version with a known hole finds it in the Server header and at the foot of each error page.",
	Fix:  "Write server_tokens off; in the http block.",
	File: "nginx.conf",
	Bad:  "server {\n    listen 443 ssl;\n    location / { proxy_pass http://api:8000; }\n}\n",
	Good: "http {\n    server_tokens off;\n    server {\n        listen 443 ssl;\n        location / { proxy_pass http://api:8000; }\n    }\n}\n",
}

var headerLost = &analysis.Rule{
	ID: "lint/nginx-add-header-lost", Title: "An add_header takes others away", Severity: finding.Medium,
	Refs: []string{"CWE-693", "API8", "V3.4.1", "V3.4.4", "V3.4.6"}, Pavise: "headers",
	Text: "add_header is inherited only by blocks that have none of their own. A location that adds one header is answered without the security headers of its server.",
	Fix:  "Repeat them in the block, by an include of one file; or, from nginx 1.29.3, write add_header_inherit merge.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    add_header X-Content-Type-Options nosniff always;\n    location /api/ {\n        add_header Cache-Control no-store;\n        proxy_pass http://api:8000;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    add_header X-Content-Type-Options nosniff always;\n    location /api/ {\n        add_header X-Content-Type-Options nosniff always;\n        add_header Cache-Control no-store;\n        proxy_pass http://api:8000;\n    }\n}\n",
}

var headerAlways = &analysis.Rule{
	ID: "lint/nginx-add-header-always", Title: "Errors go without security headers", Severity: finding.Low,
	Refs: []string{"CWE-693", "API8", "V3.4.1", "V3.4.4", "V3.4.6"}, Pavise: "headers",
	Text: "Without always, add_header is for a few codes of success only. Error pages, which often show a part of the request, go without.",
	Fix:  "Write always at the end of each.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    add_header X-Content-Type-Options nosniff;\n}\n",
	Good: "server {\n    server_tokens off;\n    add_header X-Content-Type-Options nosniff always;\n}\n",
}

var forwardedFor = &analysis.Rule{
	ID: "lint/nginx-forwarded-for", Title: "The client says which address it has", Severity: finding.Medium,
	Refs: []string{"CWE-348", "CWE-290", "API8", "V4.1.3", "V15.3.4"}, Guard: "clientip", Pavise: "clientip",
	Text: "At the edge X-Forwarded-For holds what the client wrote. Passed on, or with the true address put behind it, an application that takes the first has the client's choice.",
	Fix:  "At the edge write proxy_set_header X-Forwarded-For $remote_addr; behind another proxy use set_real_ip_from with its address.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 443 ssl;\n    location / {\n        proxy_set_header X-Forwarded-For $http_x_forwarded_for;\n        proxy_pass http://api:8000;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 443 ssl;\n    location / {\n        proxy_set_header X-Forwarded-For $remote_addr;\n        proxy_pass http://api:8000;\n    }\n}\n",
}

var host = &analysis.Rule{
	ID: "lint/nginx-host", Title: "Any Host is passed on", Severity: finding.Low,
	Refs: []string{"CWE-346", "API8"}, Guard: "hosts", Pavise: "hosts",
	Text: "Links in mails, redirects and cache keys that are made of the Host header are made of what a client wrote. $http_host may be another name than the one that chose the server.",
	Fix:  "Pass $host on in servers with names, and let a default server answer 444 to all others.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 443 ssl default_server;\n    server_name _;\n    location / {\n        proxy_set_header Host $host;\n        proxy_pass http://api:8000;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 443 ssl default_server;\n    server_name _;\n    return 444;\n}\nserver {\n    listen 443 ssl;\n    server_name api.example.com;\n    location / {\n        proxy_set_header Host $host;\n        proxy_pass http://api:8000;\n    }\n}\n",
}

var corsReflect = &analysis.Rule{
	ID: "lint/nginx-cors-reflect", Title: "Every site may read with the user's cookies", Severity: finding.High,
	Refs: []string{"CWE-942", "CWE-346", "API8", "V3.4.2"}, Pavise: "origins",
	Text: "Access-Control-Allow-Origin repeats whatever Origin a request has, and credentials are allowed: any page that the user opens reads what the user may read.",
	Fix:  "List the origins in a map of $http_origin whose default is empty, and send what the map gives.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 443 ssl;\n    location / {\n        add_header Access-Control-Allow-Origin $http_origin always;\n        add_header Access-Control-Allow-Credentials true always;\n        proxy_pass http://api:8000;\n    }\n}\n",
	Good: "map $http_origin $origin {\n    default \"\";\n    https://shop.example.com $http_origin;\n}\nserver {\n    server_tokens off;\n    listen 443 ssl;\n    location / {\n        add_header Access-Control-Allow-Origin $origin always;\n        add_header Access-Control-Allow-Credentials true always;\n        proxy_pass http://api:8000;\n    }\n}\n",
}

var aliasTraversal = &analysis.Rule{
	ID: "lint/nginx-alias-traversal", Title: "An alias leads out of its folder", Severity: finding.High,
	Refs: []string{"CWE-22", "API8"},
	Text: "The location /files also matches /files../secret, and what stands behind it is put behind the alias: /srv/files/../secret is served.",
	Fix:  "End the location with / when the alias ends with one.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    location /files {\n        alias /srv/files/;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    location /files/ {\n        alias /srv/files/;\n    }\n}\n",
}

var weakTLS = &analysis.Rule{
	ID: "lint/nginx-tls", Title: "Old TLS or weak ciphers are allowed", Severity: finding.Medium,
	Refs: []string{"CWE-326", "CWE-327", "API8", "RFC 8996", "V12.1.1", "V12.1.2"}, Pavise: "gateway",
	Text: "TLS before 1.2 and these ciphers are broken or deprecated; who stands between may push both sides down to them.",
	Fix:  "Write ssl_protocols TLSv1.2 TLSv1.3; and leave ssl_ciphers out, or name AEAD ciphers with ECDHE.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 443 ssl;\n    ssl_protocols TLSv1 TLSv1.1 TLSv1.2;\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 443 ssl;\n    ssl_protocols TLSv1.2 TLSv1.3;\n}\n",
}

var realIPAll = &analysis.Rule{
	ID: "lint/nginx-real-ip-all", Title: "Everyone may say where a request comes from", Severity: finding.High,
	Refs: []string{"CWE-348", "CWE-290", "API8", "V4.1.3", "V15.3.4"}, Pavise: "clientip",
	Text: "With set_real_ip_from 0.0.0.0/0 $remote_addr is what the client wrote: allow and deny, limits by address and logs hold nothing.",
	Fix:  "Name the networks of the proxies before it.",
	File: "nginx.conf",
	Bad:  "http {\n    server_tokens off;\n    set_real_ip_from 0.0.0.0/0;\n    real_ip_header X-Forwarded-For;\n}\n",
	Good: "http {\n    server_tokens off;\n    set_real_ip_from 10.0.0.0/16;\n    real_ip_header X-Forwarded-For;\n}\n",
}

var autoindex = &analysis.Rule{
	ID: "lint/nginx-autoindex", Title: "Folders are listed", Severity: finding.Low,
	Refs: []string{"CWE-548", "API8", "V13.4.3"},
	Text: "Whatever lands in the folder is named to everyone: backups, uploads of others, files that were to be guessed by nobody.",
	Fix:  "Leave autoindex out.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    location /files/ {\n        autoindex on;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    location /files/ {\n        autoindex off;\n    }\n}\n",
}

var plainHTTP = &analysis.Rule{
	ID: "lint/nginx-plain-http", Title: "The API is served without TLS", Severity: finding.Medium,
	Refs: []string{"CWE-319", "API8", "V12.2.1"}, Pavise: "https",
	Text: "Tokens and data pass every network on the way as they are written, and can be changed there.",
	Fix:  "Listen on 443 with ssl, and let port 80 answer return 308 https://$host$request_uri.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 80;\n    server_name api.example.com;\n    location / { proxy_pass http://api:8000; }\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 80;\n    server_name api.example.com;\n    return 308 https://$host$request_uri;\n}\nserver {\n    listen 443 ssl;\n    server_name api.example.com;\n    ssl_certificate /etc/tls/api.pem;\n    location / { proxy_pass http://api:8000; }\n}\n",
}

var crlf = &analysis.Rule{
	ID: "lint/nginx-crlf", Title: "A path can begin a header of its own", Severity: finding.Medium,
	Refs: []string{"CWE-113", "CWE-93", "API8", "V1.2.1"},
	Text: "$uri is the path after decoding: %0d%0a in it is a line break. In a redirect it adds headers, cookies among them, to the response; in proxy_pass or proxy_set_header it writes a part of the upstream's request.",
	Fix:  "Use $request_uri, which is as the client sent it.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 80;\n    return 301 https://$host$uri;\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 80;\n    return 301 https://$host$request_uri;\n}\n",
}

var exposed = &analysis.Rule{
	ID: "lint/nginx-internal-exposed", Title: "What is for the inside is open to everyone", Severity: finding.Low,
	Refs: []string{"CWE-497", "API8", "V13.4.5"}, Pavise: "apidocs",
	Text: "Counters and metrics tell how much is asked of what, and often by whom; actuator and pprof tell more than that.",
	Fix:  "Write allow for those who watch, and deny all; or listen on an inner port.",
	File: "nginx.conf",
	Bad:  "server {\n    server_tokens off;\n    listen 443 ssl;\n    location /nginx_status {\n        stub_status;\n    }\n}\n",
	Good: "server {\n    server_tokens off;\n    listen 443 ssl;\n    location /nginx_status {\n        stub_status;\n        allow 10.0.0.0/8;\n        deny all;\n    }\n}\n",
}

var traefikInsecure = &analysis.Rule{
	ID: "lint/traefik-insecure", Title: "Traefik is set to trust or to show too much", Severity: finding.High,
	Refs: []string{"CWE-348", "CWE-306", "CWE-295", "API8", "V4.1.3", "V12.3.2", "V13.4.5", "V15.3.4"}, Pavise: "clientip",
	Text: "api.insecure opens the dashboard and the API without a password. forwardedHeaders.insecure, or trusted addresses that are all, lets a client choose its own address. insecureSkipVerify makes TLS to a service one that anybody may answer.",
	Fix:  "Leave them out: route the dashboard through a router with a middleware that asks who it is, list the proxies' networks, and give serversTransport the rootCAs.",
	File: "traefik.yml",
	Bad:  "entryPoints:\n  web:\n    address: \":80\"\n    forwardedHeaders:\n      insecure: true\n",
	Good: "entryPoints:\n  web:\n    address: \":80\"\n    forwardedHeaders:\n      trustedIPs: [10.0.0.0/16]\n",
}

var caddyTrustAll = &analysis.Rule{
	ID: "lint/caddy-trust-all", Title: "Everyone may say where a request comes from", Severity: finding.High,
	Refs: []string{"CWE-348", "CWE-290", "API8", "V4.1.3", "V15.3.4"}, Pavise: "clientip",
	Text: "Caddy drops X-Forwarded-For of clients that are not trusted. With trusted_proxies of all addresses, each client has the address that it writes.",
	Fix:  "List the networks of the proxies before it, or leave trusted_proxies out where there are none.",
	File: "Caddyfile",
	Bad:  "{\n\tservers {\n\t\ttrusted_proxies static 0.0.0.0/0 ::/0\n\t}\n}\n\nexample.com {\n\treverse_proxy api:8000\n}\n",
	Good: "{\n\tservers {\n\t\ttrusted_proxies static 10.0.0.0/16\n\t}\n}\n\nexample.com {\n\treverse_proxy api:8000\n}\n",
}

var caddyOnDemand = &analysis.Rule{
	ID: "lint/caddy-on-demand-open", Title: "A certificate is got for any name", Severity: finding.High,
	Refs: []string{"CWE-770", "API4", "API8"},
	Text: "Who points names at the server makes it ask for a certificate for each, until the authority refuses it all others; and each is one more thing to keep.",
	Fix:  "Name an endpoint in on_demand_tls { ask … } that answers 200 for your own names only.",
	File: "Caddyfile",
	Bad:  "https:// {\n\ttls {\n\t\ton_demand\n\t}\n\treverse_proxy api:8000\n}\n",
	Good: "{\n\ton_demand_tls {\n\t\task http://api:8000/domains\n\t}\n}\n\nhttps:// {\n\ttls {\n\t\ton_demand\n\t}\n\treverse_proxy api:8000\n}\n",
}

var caddyAdmin = &analysis.Rule{
	ID: "lint/caddy-admin-open", Title: "Caddy can be configured from outside", Severity: finding.Medium,
	Refs: []string{"CWE-306", "CWE-668", "API8"},
	Text: "The admin endpoint asks for no password: who reaches it routes all traffic where he likes.",
	Fix:  "Write admin off, or leave it on localhost:2019 or a unix socket.",
	File: "Caddyfile",
	Bad:  "{\n\tadmin 0.0.0.0:2019\n}\n\nexample.com {\n\treverse_proxy api:8000\n}\n",
	Good: "{\n\tadmin off\n}\n\nexample.com {\n\treverse_proxy api:8000\n}\n",
}
