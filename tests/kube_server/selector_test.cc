#include "antrea/kube/selector.h"

#include <gtest/gtest.h>

namespace antrea::kube {
namespace {

struct LabelCase {
  std::string_view text;
  bool matches;
};
const NameValues kLabels{{"app", "web"}, {"tier", "front"}, {"n", "7"}, {"example.com/x", ""}};

class LabelQueries : public testing::TestWithParam<LabelCase> {};
TEST_P(LabelQueries, Match) {
  const auto query = LabelQuery::parse(GetParam().text);
  ASSERT_TRUE(query) << query.error().to_string();
  EXPECT_EQ(query->matches(kLabels), GetParam().matches) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(All, LabelQueries,
                         testing::ValuesIn(std::initializer_list<LabelCase>{
                             {"", true},
                             {"app", true},
                             {"!app", false},
                             {"! other", true},
                             {"app=web", true},
                             {"app == web", true},
                             {"app=api", false},
                             {"app!=api", true},
                             {"other!=x", true},
                             {"app in (web,api),tier", true},
                             {"app in (api)", false},
                             {"app notin (api, db)", true},
                             {"other notin (a)", true},
                             {"other in (a)", false},
                             {"n>6,n<8", true},
                             {"n>7", false},
                             {"app>1", false},
                             {"example.com/x=", true},
                             {"example.com/x in ()", true},
                             {"app=web,tier=back", false},
                         }));

struct BadSelector {
  std::string_view text, message;
};
class BadLabelQueries : public testing::TestWithParam<BadSelector> {};
TEST_P(BadLabelQueries, SayWhatIsWrong) {
  const auto query = LabelQuery::parse(GetParam().text);
  ASSERT_FALSE(query) << GetParam().text;
  EXPECT_TRUE(query.error().cause.starts_with(GetParam().message)) << query.error().cause;
}
INSTANTIATE_TEST_SUITE_P(
    All, BadLabelQueries,
    testing::ValuesIn(std::initializer_list<BadSelector>{
        {"!!", "unable to parse requirement: found '!', expected: identifier"},
        {"=x", "found '=', expected: !, identifier, or 'end of string'"},
        {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
        {"a in b", "unable to parse requirement: found 'b', expected: '('"},
        {"a in (b", "unable to parse requirement: found '', expected"},
        {"a,", "found '', expected: identifier after ','"},
        {"a>x", "unable to parse requirement: values[0]: Invalid value"},
        {"-a=b", "unable to parse requirement: key: Invalid value"},
        {"a=-b", "unable to parse requirement: values[0][a]: Invalid value"},
    }));

TEST(FieldQuery, ComparesFields) {
  const NameValues fields{{"spec.nodeName", "n1"}, {"status.phase", "a,b"}};
  const auto matches = [&](std::string_view text) {
    const auto query = FieldQuery::parse(text);
    EXPECT_TRUE(query) << text;
    return query && query->matches(fields);
  };
  EXPECT_TRUE(matches("spec.nodeName=n1"));
  EXPECT_TRUE(matches("spec.nodeName==n1,"));
  EXPECT_FALSE(matches("spec.nodeName!=n1"));
  EXPECT_TRUE(matches("status.phase=a\\,b"));
  EXPECT_TRUE(matches("other="));
  EXPECT_FALSE(matches("other!="));
  EXPECT_TRUE(matches(""));
}

TEST(FieldQuery, RefusesNonsense) {
  for (const auto* text : {"x", "=x", "!=x", "a=b=c", "a=\\x", "a=\\"})
    EXPECT_FALSE(FieldQuery::parse(text)) << text;
  EXPECT_EQ(FieldQuery::parse("nope").error().cause,
            "invalid selector: 'nope'; can't understand 'nope'");
}

}  // namespace
}  // namespace antrea::kube
