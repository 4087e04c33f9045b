package gomodel

import "strings"

// What is known of other packages, by names without a version.

// requests are types that what a client sent is taken from.
var requests = map[string]bool{
	"net/http.Request": true, "github.com/gin-gonic/gin.Context": true, "github.com/labstack/echo.Context": true,
	"github.com/gofiber/fiber.Ctx": true, "github.com/valyala/fasthttp.RequestCtx": true,
	"github.com/julienschmidt/httprouter.Params": true, "github.com/gorilla/websocket.Conn": true,
	"github.com/astaxie/beego/context.BeegoInput": true, "github.com/kataras/iris.Context": true,
}

// contexts are those of them that are handed to a handler.
var contexts = map[string]bool{
	"net/http.Request": true, "github.com/gin-gonic/gin.Context": true, "github.com/labstack/echo.Context": true,
	"github.com/gofiber/fiber.Ctx": true, "github.com/valyala/fasthttp.RequestCtx": true, "github.com/kataras/iris.Context": true,
}

// notSent is what a request gives that a client did not choose.
func notSent(t, name string) bool {
	switch name {
	case "Get":
		return !strings.HasSuffix(t, "fiber.Ctx") // there it is a header
	case "Path":
		return strings.HasSuffix(t, "echo.Context") // there it is the route's pattern
	case "Context", "Method", "TLS", "RemoteAddr", "Pattern", "MustGet", "Set", "Writer", "Next", "Ctx", "JSON", "String", "HTML", "XML", "Redirect", "Status", "SendStatus", "SendString", "Send", "Response",
		"Locals", "Abort", "AbortWithStatus", "AbortWithStatusJSON", "AbortWithError", "IP", "ClientIP", "RealIP", "RemoteIP", "UserContext", "Proto", "ProtoMajor", "FullPath", "HandlerName", "Keys", "Errors", "Deadline", "Done", "Err", "Value",
		"GetString", "GetInt", "GetBool", "GetUint", "GetInt64", "IsAborted", "Route", "Logger", "Echo", "Close", "Conn", "File", "Attachment", "NoContent", "Blob", "Stream", "Render", "Validate", "Handler", "SetCookie", "Header", "Data":
		return t != "net/http.Request" || name != "Header"
	}
	return false
}

// ofURL is what of a request only the client itself can have chosen, not a
// page that sends it here.
func ofURL(name string) bool { return name == "URL" || name == "RequestURI" || name == "Host" }

// pathParams are what gives a part of the request's path.
var pathParams = map[string]bool{
	"github.com/gorilla/mux.Vars": true, "github.com/go-chi/chi.URLParam": true, "github.com/go-chi/chi.URLParamFromCtx": true,
	"net/http.Request.PathValue": true, "github.com/gin-gonic/gin.Context.Param": true, "github.com/labstack/echo.Context.Param": true,
	"github.com/gofiber/fiber.Ctx.Params": true, "github.com/julienschmidt/httprouter.Params.ByName": true, "github.com/valyala/fasthttp.RequestCtx.UserValue": true,
}

// PathParam tells whether a call gives a part of the request's path.
func PathParam(name string) bool { return pathParams[name] }

// Request tells whether values of a type are requests.
func Request(t string) bool { return contexts[t] }

// fillers are methods and functions that put what was sent where an argument
// points.
var fillers = map[string]bool{
	"Decode": true, "Unmarshal": true, "UnmarshalRead": true, "UnmarshalDecode": true, "DecodeJSON": true, "Bind": true, "BindJSON": true, "BindQuery": true, "BindUri": true, "BindBody": true, "BindHeader": true, "BindXML": true, "BindYAML": true, "BindWith": true,
	"ShouldBind": true, "ShouldBindJSON": true, "ShouldBindQuery": true, "ShouldBindUri": true, "ShouldBindHeader": true, "ShouldBindWith": true, "ShouldBindBodyWith": true, "ShouldBindXML": true, "MustBindWith": true,
	"BodyParser": true, "QueryParser": true, "ParamsParser": true, "ReqHeaderParser": true, "CookieParser": true, "ReadJSON": true, "DecodeForm": true, "Sscanf": true, "Sscan": true, "Fscan": true, "Fscanf": true, "Copy": true, "ReadFull": true, "ReadAtLeast": true, "ReadFrom": true,
}

// Filler tells whether what a method of this name puts somewhere is what was
// sent.
func Filler(name string) bool { return fillers[name] && name != "Copy" && name != "ReadFull" }

// mutators are methods that put an argument into the value whose they are.
var mutators = map[string]bool{
	"WriteString": true, "Write": true, "WriteByte": true, "WriteRune": true, "Set": true, "Add": true, "ReadFrom": true, "Push": true, "PushBack": true, "Append": true, "Store": true,
}

// holders are types that keep what their mutators are given.
var holders = map[string]bool{
	"strings.Builder": true, "bytes.Buffer": true, "net/url.Values": true, "net/http.Header": true, "container/list.List": true, "sync.Map": true,
}

// typed are functions whose result is no text of a client's choice.
var typed = map[string]bool{
	"strconv.Atoi": true, "strconv.ParseInt": true, "strconv.ParseUint": true, "strconv.ParseBool": true, "strconv.ParseFloat": true, "strconv.Itoa": true, "strconv.FormatInt": true, "len": true, "cap": true,
	"github.com/google/uuid.Parse": true, "github.com/google/uuid.MustParse": true, "github.com/gofrs/uuid.FromString": true, "time.Parse": true, "time.ParseDuration": true, "encoding/hex.EncodeToString": true,
	"encoding/base64.Encoding.EncodeToString": true, "net/netip.ParseAddr": true, "net.ParseIP": true, "net/mail.ParseAddress": true, "math/big.Int.SetString": true, "path.Match": true, "path/filepath.Match": true,
	"path/filepath.IsLocal": true, "strings.Contains": true, "strings.HasPrefix": true, "strings.HasSuffix": true, "strings.EqualFold": true, "strings.Index": true, "strings.Count": true, "bytes.Equal": true,
	"regexp.QuoteMeta": true, "github.com/jackc/pgx.Identifier.Sanitize": true, "github.com/lib/pq.QuoteIdentifier": true, "github.com/lib/pq.QuoteLiteral": true, "github.com/gosimple/slug.Make": true,
	"mime.TypeByExtension": true, "net/http.DetectContentType": true, "slices.Contains": true, "slices.Index": true,
}

// A Use is where a value may go, and what may be wrong with it there.
type Use uint8

// The uses.
const (
	SQL Use = 1 << iota
	Path
	URL
	Redirect
	HTML
	// Serve is a file that net/http serves: it refuses paths with two dots.
	Serve
	// slash is a text that begins with a slash, single one that does not begin
	// with two: both lead to a place of the site itself.
	slash
	single
)

// makesSafe are functions whose result may go where their argument may not.
var makesSafe = map[string]Use{
	"html.EscapeString": HTML | SQL, "html/template.HTMLEscapeString": HTML | SQL, "text/template.HTMLEscapeString": HTML | SQL, "html/template.JSEscapeString": HTML, "html/template.URLQueryEscaper": HTML | URL | Redirect,
	"net/url.QueryEscape": HTML | SQL | URL | Path | Redirect | Serve, "net/url.PathEscape": HTML | SQL | URL | Path | Redirect | Serve, "net/url.Values.Encode": HTML | SQL | URL | Path | Redirect,
	"path/filepath.Base": Path | Serve, "path.Base": Path | Serve, "path/filepath.Localize": Path | Serve, "path/filepath.Ext": Path | Serve, "path.Ext": Path | Serve,
	"github.com/cyphar/filepath-securejoin.SecureJoin": Path | Serve, "encoding/json.Marshal": HTML, "github.com/microcosm-cc/bluemonday.Policy.Sanitize": HTML, "github.com/microcosm-cc/bluemonday.Policy.SanitizeBytes": HTML,
}

// carry tells whether a function of another package gives what it was given:
// its arguments' text is in its result.
func carry(name string) bool {
	p, fn := name, ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		p, fn = name[:i], name[i+1:]
	}
	switch p {
	case "os", "os/exec", "net/http", "database/sql", "time", "math/rand", "sync", "context", "runtime", "log", "log/slog", "testing", "flag":
		return name == "net/http.MaxBytesReader" || fn == "WithValue"
	case "net":
		return fn == "JoinHostPort" || fn == "SplitHostPort"
	}
	if strings.HasPrefix(p, "crypto/") || strings.HasPrefix(p, "hash") {
		return false
	}
	return standard(p) || p == "github.com/pkg/errors" || strings.HasPrefix(p, "github.com/spf13/cast") || strings.HasPrefix(p, "golang.org/x/text") || strings.HasPrefix(p, "github.com/samber/lo") ||
		p == "github.com/json-iterator/go" || p == "github.com/goccy/go-json"
}

// conversions are types of others that values are made into by a call.
var conversions = map[string]bool{
	"html/template.HTML": true, "html/template.JS": true, "html/template.URL": true, "html/template.HTMLAttr": true, "html/template.CSS": true, "net/http.HandlerFunc": true, "net/http.Dir": true, "net/http.Header": true,
	"time.Duration": true, "encoding/json.RawMessage": true, "encoding/json.Number": true, "net/url.Values": true, "io/fs.FileMode": true, "os.FileMode": true, "net.IP": true,
	"github.com/labstack/echo.HandlerFunc": true, "github.com/gin-gonic/gin.HandlerFunc": true, "github.com/golang-jwt/jwt.MapClaims": true, "golang.org/x/crypto/ssh.Signers": true,
}

// shapes are what types of others are made of.
var shapes = map[string]string{
	"net/url.Values": "map[string][]string", "net/http.Header": "map[string][]string", "net/textproto.MIMEHeader": "map[string][]string",
	"github.com/gin-gonic/gin.H": "map[string]any", "github.com/labstack/echo.Map": "map[string]any", "github.com/gofiber/fiber.Map": "map[string]any", "github.com/golang-jwt/jwt.MapClaims": "map[string]any",
	"encoding/json.RawMessage": "[]byte", "html/template.HTML": "string", "net/http.Dir": "string",
}

// chained are types whose methods give another of the same type.
var chained = map[string]bool{
	"gorm.io/gorm.DB": true, "github.com/jinzhu/gorm.DB": true, "github.com/Masterminds/squirrel.SelectBuilder": true, "github.com/Masterminds/squirrel.UpdateBuilder": true, "github.com/Masterminds/squirrel.DeleteBuilder": true, "github.com/Masterminds/squirrel.StatementBuilderType": true,
	"github.com/uptrace/bun.SelectQuery": true, "github.com/uptrace/bun.UpdateQuery": true, "github.com/uptrace/bun.DeleteQuery": true, "github.com/rs/zerolog.Event": true, "log/slog.Logger": true,
	"github.com/gorilla/mux.Route": true, "html/template.Template": true, "text/template.Template": true,
}

// results are the types that functions of others give; #1 is the second.
var results = map[string]string{
	"database/sql.Open": "database/sql.DB", "database/sql.OpenDB": "database/sql.DB", "database/sql.DB.Begin": "database/sql.Tx", "database/sql.DB.BeginTx": "database/sql.Tx", "database/sql.DB.Conn": "database/sql.Conn", "database/sql.Conn.BeginTx": "database/sql.Tx",
	"database/sql.DB.Query": "database/sql.Rows", "database/sql.DB.QueryContext": "database/sql.Rows", "database/sql.DB.QueryRow": "database/sql.Row", "database/sql.DB.QueryRowContext": "database/sql.Row", "database/sql.DB.Exec": "database/sql.Result",
	"github.com/jmoiron/sqlx.Connect": "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.Open": "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.MustConnect": "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.ConnectContext": "github.com/jmoiron/sqlx.DB",
	"github.com/jmoiron/sqlx.NewDb": "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.MustOpen": "github.com/jmoiron/sqlx.DB", "github.com/jmoiron/sqlx.DB.Beginx": "github.com/jmoiron/sqlx.Tx", "github.com/jmoiron/sqlx.DB.BeginTxx": "github.com/jmoiron/sqlx.Tx", "github.com/jmoiron/sqlx.DB.MustBegin": "github.com/jmoiron/sqlx.Tx",
	"gorm.io/gorm.Open": "gorm.io/gorm.DB", "github.com/jinzhu/gorm.Open": "github.com/jinzhu/gorm.DB",
	"github.com/jackc/pgx/pgxpool.New": "github.com/jackc/pgx/pgxpool.Pool", "github.com/jackc/pgx/pgxpool.NewWithConfig": "github.com/jackc/pgx/pgxpool.Pool", "github.com/jackc/pgx/pgxpool.Connect": "github.com/jackc/pgx/pgxpool.Pool", "github.com/jackc/pgx.Connect": "github.com/jackc/pgx.Conn",
	"github.com/jackc/pgx/pgxpool.Pool.Begin": "github.com/jackc/pgx.Tx", "github.com/jackc/pgx/pgxpool.Pool.BeginTx": "github.com/jackc/pgx.Tx", "github.com/jackc/pgx.Conn.Begin": "github.com/jackc/pgx.Tx", "github.com/jackc/pgx/pgxpool.Pool.Acquire": "github.com/jackc/pgx/pgxpool.Conn",
	"net/http.NewServeMux": "net/http.ServeMux", "net/http.NewRequest": "net/http.Request", "net/http.NewRequestWithContext": "net/http.Request", "net/http.Request.WithContext": "net/http.Request", "net/http.Request.Clone": "net/http.Request",
	"net/http.Request.FormFile": "mime/multipart.File", "net/http.Request.FormFile#1": "mime/multipart.FileHeader", "net/http.Request.Cookie": "net/http.Cookie", "net/http.Request.BasicAuth": "string", "net/http.Request.BasicAuth#1": "string", "net/http.Request.BasicAuth#2": "bool", "net/http.Request.FormValue": "string", "net/http.Request.PathValue": "string", "net/http.Request.PostFormValue": "string", "net/http.Request.UserAgent": "string", "net/http.Request.Referer": "string",
	"net/http.Request.MultipartReader": "mime/multipart.Reader", "mime/multipart.Reader.NextPart": "mime/multipart.Part", "mime/multipart.Part.FileName": "string",
	"net/http.Header.Get": "string", "net/http.ResponseWriter.Header": "net/http.Header", "github.com/gin-gonic/gin.ResponseWriter.Header": "net/http.Header", "net/url.Values.Get": "string", "net/url.URL.Query": "net/url.Values", "net/url.URL.String": "string", "net/url.Parse": "net/url.URL", "net/url.ParseRequestURI": "net/url.URL", "net/url.URL.Hostname": "string", "net/url.ParseQuery": "net/url.Values", "net/url.PathUnescape": "string", "net/url.QueryUnescape": "string",
	"net/http.Get": "net/http.Response", "net/http.Post": "net/http.Response", "net/http.Client.Do": "net/http.Response", "net/http.Client.Get": "net/http.Response", "net/http.Client.Post": "net/http.Response", "net/http.FileServer": "net/http.Handler", "net/http.StripPrefix": "net/http.Handler", "net/http.TimeoutHandler": "net/http.Handler", "net/http.MaxBytesHandler": "net/http.Handler", "net/http.NotFoundHandler": "net/http.Handler",
	"math/rand.New": "math/rand.Rand", "text/template.New": "text/template.Template", "html/template.New": "html/template.Template", "text/template.Must": "text/template.Template", "html/template.Must": "html/template.Template",
	"text/template.ParseFiles": "text/template.Template", "html/template.ParseFiles": "html/template.Template", "text/template.ParseGlob": "text/template.Template", "html/template.ParseGlob": "html/template.Template", "text/template.ParseFS": "text/template.Template", "html/template.ParseFS": "html/template.Template",
	"encoding/json.NewDecoder": "encoding/json.Decoder", "encoding/json.NewEncoder": "encoding/json.Encoder", "encoding/json.Marshal": "[]byte", "encoding/json.MarshalIndent": "[]byte", "encoding/xml.NewDecoder": "encoding/xml.Decoder", "encoding/gob.NewDecoder": "encoding/gob.Decoder", "gopkg.in/yaml.NewDecoder": "gopkg.in/yaml.Decoder",
	"io.ReadAll": "[]byte", "io/ioutil.ReadAll": "[]byte", "os.ReadFile": "[]byte", "os.Open": "os.File", "os.Create": "os.File", "os.OpenFile": "os.File", "os.OpenRoot": "os.Root", "os.Getenv": "string", "bufio.NewScanner": "bufio.Scanner", "bufio.NewReader": "bufio.Reader", "bufio.NewWriter": "bufio.Writer",
	"fmt.Sprintf": "string", "fmt.Sprint": "string", "fmt.Sprintln": "string", "strings.Join": "string", "strings.TrimSpace": "string", "strings.ToLower": "string", "strings.ToUpper": "string", "strings.Replace": "string", "strings.ReplaceAll": "string", "strings.Repeat": "string", "strings.TrimPrefix": "string", "strings.TrimSuffix": "string", "strings.Trim": "string", "strings.TrimLeft": "string", "strings.TrimRight": "string", "strings.Title": "string",
	"strings.Split": "[]string", "strings.SplitN": "[]string", "strings.Fields": "[]string", "strings.Cut": "string", "strings.Cut#1": "string", "strings.NewReader": "strings.Reader", "strings.NewReplacer": "strings.Replacer", "strings.Replacer.Replace": "string", "strings.Builder.String": "string", "bytes.Buffer.String": "string", "bytes.Buffer.Bytes": "[]byte", "bytes.NewBuffer": "bytes.Buffer", "bytes.NewReader": "bytes.Reader", "bytes.NewBufferString": "bytes.Buffer",
	"strconv.Atoi": "int", "strconv.ParseInt": "int64", "strconv.ParseUint": "uint64", "strconv.ParseBool": "bool", "strconv.ParseFloat": "float64", "strconv.Itoa": "string", "strconv.FormatInt": "string", "strconv.Quote": "string", "path/filepath.Join": "string", "path/filepath.Clean": "string", "path/filepath.Base": "string", "path/filepath.Abs": "string", "path.Join": "string", "path.Base": "string", "path.Clean": "string",
	"encoding/hex.EncodeToString": "string", "encoding/hex.DecodeString": "[]byte", "encoding/base64.Encoding.EncodeToString": "string", "encoding/base64.Encoding.DecodeString": "[]byte",
	"time.Now": "time.Time", "time.Since": "time.Duration", "time.Parse": "time.Time", "time.Time.Unix": "int64", "time.Time.UnixNano": "int64", "time.Time.Format": "string", "time.ParseDuration": "time.Duration", "time.Time.Add": "time.Time", "time.Time.Sub": "time.Duration", "time.Time.Year": "int",
	"github.com/google/uuid.New": "github.com/google/uuid.UUID", "github.com/google/uuid.Parse": "github.com/google/uuid.UUID", "github.com/google/uuid.MustParse": "github.com/google/uuid.UUID", "github.com/google/uuid.NewString": "string", "github.com/google/uuid.UUID.String": "string",
	"github.com/gin-gonic/gin.Default": "github.com/gin-gonic/gin.Engine", "github.com/gin-gonic/gin.New": "github.com/gin-gonic/gin.Engine", "github.com/gin-gonic/gin.Engine.Group": "github.com/gin-gonic/gin.RouterGroup", "github.com/gin-gonic/gin.RouterGroup.Group": "github.com/gin-gonic/gin.RouterGroup",
	"github.com/gin-gonic/gin.Context.Param": "string", "github.com/gin-gonic/gin.Context.Query": "string", "github.com/gin-gonic/gin.Context.DefaultQuery": "string", "github.com/gin-gonic/gin.Context.PostForm": "string", "github.com/gin-gonic/gin.Context.GetHeader": "string", "github.com/gin-gonic/gin.Context.ClientIP": "string", "github.com/gin-gonic/gin.Context.FormFile": "mime/multipart.FileHeader", "github.com/gin-gonic/gin.Context.Cookie": "string", "github.com/gin-gonic/gin.Context.GetString": "string", "github.com/gin-gonic/gin.Context.GetInt": "int", "github.com/gin-gonic/gin.Context.GetUint": "uint",
	"github.com/gorilla/mux.NewRouter": "github.com/gorilla/mux.Router", "github.com/gorilla/mux.Vars": "map[string]string", "github.com/gorilla/mux.Router.Path": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.PathPrefix": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.HandleFunc": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.Handle": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.Methods": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.NewRoute": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Router.Host": "github.com/gorilla/mux.Route", "github.com/gorilla/mux.Route.Subrouter": "github.com/gorilla/mux.Router",
	"github.com/go-chi/chi.NewRouter": "github.com/go-chi/chi.Mux", "github.com/go-chi/chi.NewMux": "github.com/go-chi/chi.Mux", "github.com/go-chi/chi.URLParam": "string", "github.com/go-chi/chi.Mux.With": "github.com/go-chi/chi.Router", "github.com/go-chi/chi.Router.With": "github.com/go-chi/chi.Router", "github.com/go-chi/chi.Mux.Group": "github.com/go-chi/chi.Router", "github.com/go-chi/chi.Mux.Route": "github.com/go-chi/chi.Router", "github.com/go-chi/chi.Router.Group": "github.com/go-chi/chi.Router", "github.com/go-chi/chi.Router.Route": "github.com/go-chi/chi.Router",
	"github.com/labstack/echo.New": "github.com/labstack/echo.Echo", "github.com/labstack/echo.Echo.Group": "github.com/labstack/echo.Group", "github.com/labstack/echo.Group.Group": "github.com/labstack/echo.Group", "github.com/labstack/echo.Context.Request": "net/http.Request", "github.com/labstack/echo.Context.Response": "net/http.ResponseWriter", "github.com/labstack/echo.Context.Param": "string", "github.com/labstack/echo.Context.QueryParam": "string", "github.com/labstack/echo.Context.FormValue": "string", "github.com/labstack/echo.Context.FormFile": "mime/multipart.FileHeader", "github.com/labstack/echo.Context.RealIP": "string",
	"github.com/gofiber/fiber.New": "github.com/gofiber/fiber.App", "github.com/gofiber/fiber.App.Group": "github.com/gofiber/fiber.Router", "github.com/gofiber/fiber.Router.Group": "github.com/gofiber/fiber.Router", "github.com/gofiber/fiber.Ctx.Params": "string", "github.com/gofiber/fiber.Ctx.Query": "string", "github.com/gofiber/fiber.Ctx.FormValue": "string", "github.com/gofiber/fiber.Ctx.Get": "string", "github.com/gofiber/fiber.Ctx.FormFile": "mime/multipart.FileHeader", "github.com/gofiber/fiber.Ctx.QueryInt": "int", "github.com/gofiber/fiber.Ctx.ParamsInt": "int",
	"github.com/julienschmidt/httprouter.New": "github.com/julienschmidt/httprouter.Router", "github.com/julienschmidt/httprouter.Params.ByName": "string", "github.com/julienschmidt/httprouter.ParamsFromContext": "github.com/julienschmidt/httprouter.Params",
	"github.com/gorilla/websocket.Upgrader.Upgrade": "github.com/gorilla/websocket.Conn", "github.com/gorilla/websocket.Conn.ReadMessage": "int", "github.com/gorilla/websocket.Conn.ReadMessage#1": "[]byte",
	"crypto/md5.New": "hash.Hash", "crypto/sha1.New": "hash.Hash", "crypto/sha256.New": "hash.Hash", "crypto/sha512.New": "hash.Hash", "crypto/hmac.New": "crypto/hmac.Hash", "crypto/hmac.Hash.Sum": "[]byte", "hash.Hash.Sum": "[]byte", "crypto/aes.NewCipher": "crypto/cipher.Block", "crypto/des.NewCipher": "crypto/cipher.Block", "crypto/des.NewTripleDESCipher": "crypto/cipher.Block", "crypto/cipher.NewGCM": "crypto/cipher.AEAD", "crypto/md5.Sum": "[]byte", "crypto/sha1.Sum": "[]byte", "crypto/sha256.Sum256": "[]byte", "golang.org/x/crypto/chacha20poly1305.New": "crypto/cipher.AEAD",
	"github.com/Masterminds/squirrel.Select": "github.com/Masterminds/squirrel.SelectBuilder", "github.com/Masterminds/squirrel.Update": "github.com/Masterminds/squirrel.UpdateBuilder", "github.com/Masterminds/squirrel.Delete": "github.com/Masterminds/squirrel.DeleteBuilder",
	"github.com/Masterminds/squirrel.StatementBuilderType.Select": "github.com/Masterminds/squirrel.SelectBuilder", "github.com/Masterminds/squirrel.StatementBuilderType.Update": "github.com/Masterminds/squirrel.UpdateBuilder", "github.com/Masterminds/squirrel.StatementBuilderType.Delete": "github.com/Masterminds/squirrel.DeleteBuilder",
	"github.com/uptrace/bun.DB.NewSelect": "github.com/uptrace/bun.SelectQuery", "github.com/uptrace/bun.DB.NewUpdate": "github.com/uptrace/bun.UpdateQuery", "github.com/uptrace/bun.DB.NewDelete": "github.com/uptrace/bun.DeleteQuery",
	"archive/zip.OpenReader": "archive/zip.ReadCloser", "archive/zip.NewReader": "archive/zip.Reader", "archive/tar.NewReader": "archive/tar.Reader", "archive/tar.Reader.Next": "archive/tar.Header",
	"github.com/golang-jwt/jwt.NewWithClaims": "github.com/golang-jwt/jwt.Token", "github.com/golang-jwt/jwt.New": "github.com/golang-jwt/jwt.Token", "github.com/golang-jwt/jwt.NewParser": "github.com/golang-jwt/jwt.Parser", "github.com/golang-jwt/jwt.Parse": "github.com/golang-jwt/jwt.Token", "github.com/golang-jwt/jwt.ParseWithClaims": "github.com/golang-jwt/jwt.Token",
	"github.com/dgrijalva/jwt-go.NewWithClaims": "github.com/dgrijalva/jwt-go.Token", "github.com/dgrijalva/jwt-go.Parse": "github.com/dgrijalva/jwt-go.Token",
	"log.New": "log.Logger", "log.Default": "log.Logger", "log/slog.New": "log/slog.Logger", "log/slog.Default": "log/slog.Logger", "log/slog.With": "log/slog.Logger", "os/exec.Command": "os/exec.Cmd", "os/exec.CommandContext": "os/exec.Cmd", "regexp.MustCompile": "regexp.Regexp", "regexp.Compile": "regexp.Regexp", "errors.New": "error", "fmt.Errorf": "error",
}

// values are the types of variables and fields of others.
var values = map[string]string{ //nolint:gosec // names of types, no credentials
	"github.com/Masterminds/squirrel.StatementBuilder": "github.com/Masterminds/squirrel.StatementBuilderType",
	"net/http.DefaultServeMux":                         "net/http.ServeMux", "net/http.DefaultClient": "net/http.Client", "net/http.Request.URL": "net/url.URL", "net/http.Request.Header": "net/http.Header", "net/http.Request.Body": "io.ReadCloser", "net/http.Request.Form": "net/url.Values", "net/http.Request.PostForm": "net/url.Values", "net/http.Request.MultipartForm": "mime/multipart.Form",
	"net/http.Request.Host": "string", "net/http.Request.RemoteAddr": "string", "net/http.Request.RequestURI": "string", "net/http.Request.Method": "string", "net/http.Request.ContentLength": "int64", "net/http.Response.Header": "net/http.Header", "net/http.Response.Body": "io.ReadCloser", "net/http.Response.StatusCode": "int", "net/http.Cookie.Value": "string", "net/http.Server.Handler": "net/http.Handler", "net/http.Server.TLSConfig": "crypto/tls.Config", "net/http.Transport.TLSClientConfig": "crypto/tls.Config", "github.com/gorilla/websocket.Dialer.TLSClientConfig": "crypto/tls.Config",
	"net/url.URL.Path": "string", "net/url.URL.Host": "string", "net/url.URL.RawQuery": "string", "net/url.URL.Scheme": "string", "net/url.URL.User": "net/url.Userinfo", "mime/multipart.FileHeader.Filename": "string", "mime/multipart.FileHeader.Size": "int64", "mime/multipart.FileHeader.Header": "net/http.Header", "mime/multipart.Form.File": "map[string][]mime/multipart.FileHeader", "mime/multipart.Form.Value": "map[string][]string",
	"github.com/gin-gonic/gin.Context.Request": "net/http.Request", "github.com/gin-gonic/gin.Context.Writer": "net/http.ResponseWriter", "github.com/gin-gonic/gin.Engine.RouterGroup": "github.com/gin-gonic/gin.RouterGroup",
	"archive/zip.ReadCloser.File": "[]archive/zip.File", "archive/zip.Reader.File": "[]archive/zip.File", "archive/zip.File.Name": "string", "archive/tar.Header.Name": "string", "archive/tar.Header.Linkname": "string", "github.com/jmoiron/sqlx.DB.DB": "database/sql.DB", "gorm.io/gorm.DB.Error": "error", "os.Args": "[]string", "encoding/base64.StdEncoding": "encoding/base64.Encoding", "encoding/base64.URLEncoding": "encoding/base64.Encoding", "encoding/base64.RawURLEncoding": "encoding/base64.Encoding", "encoding/base64.RawStdEncoding": "encoding/base64.Encoding",
	"github.com/golang-jwt/jwt.Token.Method": "github.com/golang-jwt/jwt.SigningMethod", "github.com/golang-jwt/jwt.Token.Claims": "github.com/golang-jwt/jwt.Claims", "github.com/golang-jwt/jwt.Token.Raw": "string",
}
