#include "antrea/api/yaml.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <ostream>

#include "antrea/api/json.h"

namespace antrea::api {
namespace {

namespace json = boost::json;

// `text` as the value of "data" in a small manifest.
Result<json::value> read_data(const std::string& text) {
  ANTREA_TRY(auto objects, decode_manifest("apiVersion: v1\nkind: X\ndata: " + text, "x.yaml"));
  return objects.at(0).as_object()["data"];
}

struct Scalar {
  std::string_view yaml, json;
};
void PrintTo(const Scalar& c, std::ostream* os) { *os << c.yaml; }

// As `kubectl create --dry-run=client -o json` answers.
const Scalar kScalars[] = {
    {"text", R"("text")"},
    {"\"80\"", R"("80")"},
    {"'true'", R"("true")"},
    {"!!str 80", R"("80")"},
    {"80", "80"},
    {"-1", "-1"},
    {"+5", "5"},
    {"1_000", "1000"},
    {"0777", "511"},
    {"0o777", "511"},
    {"0x1F", "31"},
    {"0b101", "5"},
    {"08", "8"},
    {"0", "0"},
    {"80.0", "80"},
    {"1.5", "1.5E0"},
    {".5", "5E-1"},
    {"1e3", "1000"},
    {"18446744073709551615", "18446744073709551615"},
    {"1.2.3", R"("1.2.3")"},
    {"10.0.0.1", R"("10.0.0.1")"},
    {"10.0.0.0/8", R"("10.0.0.0/8")"},
    {"1-2", R"("1-2")"},
    {"2026-01-02", R"("2026-01-02")"},
    {"12:30", R"("12:30")"},
    {"yes", "true"},
    {"NO", "false"},
    {"on", "true"},
    {"y", "true"},
    {"True", "true"},
    {"tRue", R"("tRue")"},
    {"null", "null"},
    {"~", "null"},
    {"", "null"},
    {"\"\"", R"("")"},
    {"|\n  a\n  b\n", R"("a\nb\n")"},
    {">-\n  a\n  b\n", R"("a b")"},
    {"{a: [1, x]}", R"({"a":[1,"x"]})"},
    {"{1: a, true: b}", R"({"1":"a","true":"b"})"},
    {"[&a {x: 1}, *a]", R"([{"x":1},{"x":1}])"},
    {"[&a {x: 1, y1: 2}, {<<: *a, x: 3}]", R"([{"x":1,"y1":2},{"x":3,"y1":2}])"},
    {"[&a {x: 1}, &b {x: 2, z: 3}, {<<: [*a, *b]}]", R"([{"x":1},{"x":2,"z":3},{"x":1,"z":3}])"},
};

class YamlScalar : public testing::TestWithParam<Scalar> {};

TEST_P(YamlScalar, IsTypedAsKubectlDoes) {
  const auto value = read_data(std::string(GetParam().yaml));
  ASSERT_TRUE(value) << value.error().to_string();
  EXPECT_EQ(json::serialize(*value), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(Cases, YamlScalar, testing::ValuesIn(kScalars),
                         [](const auto& info) { return std::to_string(info.index); });

TEST(Manifest, SplitsDocumentsAndLists) {
  const auto objects = decode_manifest(R"(# a comment
---
apiVersion: v1
kind: Namespace
metadata: {name: a}
---
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: b}}
- apiVersion: v1
  kind: PodList
  items:
  - metadata: {name: c}
...
)",
                                       "x.yaml");
  ASSERT_TRUE(objects) << objects.error().to_string();
  std::vector<std::string> seen;
  for (const auto& object : *objects)
    seen.push_back(std::string(object.at("kind").as_string()) + " " +
                   std::string(object.at("metadata").at("name").as_string()));
  EXPECT_THAT(seen, testing::ElementsAre("Namespace a", "Pod b", "Pod c"));
}

TEST(Manifest, ReadsJsonInARow) {
  const auto objects = decode_manifest(
      "{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n{\"apiVersion\":\"v1\",\"kind\":\"B\"}", "x.json");
  ASSERT_TRUE(objects);
  EXPECT_EQ(objects->size(), 2U);
  EXPECT_EQ(decode_manifest("{apiVersion: v1, kind: A}", "x").value().size(), 1U);
  EXPECT_TRUE(decode_manifest("", "x").value().empty());
  EXPECT_TRUE(decode_manifest(" \n", "x").value().empty());
}

struct BadManifest {
  std::string_view name, text, error;
};
void PrintTo(const BadManifest& c, std::ostream* os) { *os << c.name; }

const BadManifest kBad[] = {
    {"Indentation", "apiVersion: v1\nkind: Pod\n metadata:\n", "x.yaml:3: read manifest: "},
    {"SecondDocument", "apiVersion: v1\nkind: Pod\n---\na: [\n", "x.yaml:5: read manifest: "},
    {"NoKind", "apiVersion: v1\n---\n", "x.yaml:1: read manifest: found no kind"},
    {"NoVersion", "kind: Pod\n", "x.yaml:1: read manifest: found no apiVersion"},
    {"NotAnObject", "kind: A\napiVersion: v1\n---\n- 1\n", "x.yaml:4: read manifest: found no obj"},
    {"KeyTwice", "kind: A\napiVersion: v1\nkind: B\n",
     "x.yaml:3: read manifest: found the key \"kind\" a second time"},
    {"UnknownAlias", "kind: A\napiVersion: *b\n", "x.yaml:2: read manifest: "},
    {"MergedText", "kind: A\napiVersion: v1\n<<: b\n", "x.yaml:3: read manifest: found \"<<\""},
    {"WrongTag", "kind: A\napiVersion: v1\na: !!int b\n", "x.yaml:3: read manifest: found \"b\""},
    {"StrayComma", "kind: A\napiVersion: v1\n---\n, a: b\n",
     "x.yaml:4: read manifest: found \",\""},
    {"StrayBrace", "{kind: A, apiVersion: v1}}\n", "x.yaml:1: read manifest: illegal flow end"},
    {"Tab", "kind: A\n\tapiVersion: v1\n", "x.yaml:"},
};

class ManifestRefusal : public testing::TestWithParam<BadManifest> {};

TEST_P(ManifestRefusal, NamesSourceAndLine) {
  const auto objects = decode_manifest(GetParam().text, "x.yaml");
  ASSERT_TRUE(objects.has_error());
  EXPECT_EQ(objects.error().code, Errc::kMalformed);
  EXPECT_THAT(objects.error().to_string(), testing::StartsWith(std::string(GetParam().error)));
}

INSTANTIATE_TEST_SUITE_P(Cases, ManifestRefusal, testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Manifest, BoundsWhatAliasesStandFor) {
  std::string text = "kind: A\napiVersion: v1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) text += ", " + last;
    text += "]\n";
  }
  EXPECT_TRUE(decode_manifest(text, "x").has_error());
  EXPECT_TRUE(decode_manifest("kind: A\napiVersion: v1\na: &a [*a]\n", "x").has_error());
  EXPECT_TRUE(decode_manifest(std::string(100000, '['), "x").has_error());
}

TEST(ToYaml, PrintsAsKubectlDoes) {
  const auto value = json::parse(R"({
    "kind": "Pod", "apiVersion": "v1",
    "metadata": {"name": "a", "labels": {}, "annotations": {"n": "80", "t": "yes", "e": ""}},
    "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}], "args": ["-x", "--", "a: b"]}],
             "nested": [[1, 2], []], "text": "two\nlines\n", "cut": "a\nb", "ratio": 1.5, "none": null,
             "at": "2026-01-02T03:04:05Z", "star": "*", "tab": "a\tb", "cidr": "10.0.0.0/8"}})");
  EXPECT_EQ(to_yaml(value), R"(apiVersion: v1
kind: Pod
metadata:
  annotations:
    e: ""
    "n": "80"
    t: "yes"
  labels: {}
  name: a
spec:
  at: "2026-01-02T03:04:05Z"
  cidr: 10.0.0.0/8
  containers:
  - args:
    - -x
    - "--"
    - "a: b"
    name: c
    ports:
    - containerPort: 80
  cut: |-
    a
    b
  nested:
  - - 1
    - 2
  - []
  none: null
  ratio: 1.5
  star: "*"
  tab: "a\tb"
  text: |
    two
    lines
)");
}

TEST(ToYaml, ReadsBackAsItWas) {
  const char* const texts[] = {"plain",  "yes",    "0x10",     "-",   "- a",        "a: b", "a #b",
                               "#",      "a:",     " a",       "a ",  "\n",         "a\n",  "a\n\n",
                               "\na",    "  a\nb", "a\n\n\nb", "\t",  "\"",         "'",    "{",
                               "}",      "[x",     "&a",       "*a",  "!t",         "|",    ">",
                               "%",      "@",      "`",        "é",   "?",          "? a",  "---",
                               "...",    "null",   "~",        "1e3", "2026-01-02", "<<",   "=",
                               "a\r\nb", "\x7f"};
  for (const char* text : texts) {
    const json::value value{
        {"apiVersion", "v1"}, {"kind", "X"}, {text, text}, {"list", {text, text}}};
    const std::string yaml = to_yaml(value);
    const auto objects = decode_manifest(yaml, "x");
    ASSERT_TRUE(objects) << objects.error().to_string() << "\n" << yaml;
    ASSERT_EQ(objects->size(), 1U) << yaml;
    EXPECT_EQ(objects->front(), value) << yaml;
  }
}

}  // namespace
}  // namespace antrea::api
