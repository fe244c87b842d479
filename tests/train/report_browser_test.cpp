// Reports in a browser: headless Chromium opens them, their script gets through without an error,
// they fit a phone's width, and they ask nothing of the network. Skipped without a Chromium.
#include <gmock/gmock.h>

#include "data/formats/metrics_file.h"
#include "tests/support/tiny_run.h"
#include "train/report/html.h"
#include "train/report/line_chart.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kChromium = "/usr/bin/chromium";

class ReportInABrowser : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(kChromium, X_OK) != 0) {
      GTEST_SKIP() << "there is no " << kChromium << ": tools/deps --browser installs it";
    }
  }
  // A page, and what its script has left: out begins with its title and data, err is Chromium's
  // log. It stands in a frame, because a window of Chromium is never narrower than 500 pixels.
  Finished open(const std::string& page, int width) const {
    const auto frame = files_.write_file(
        "frame.html",
        "<!DOCTYPE html><iframe style=\"border:0;width:" + std::to_string(width) +
            "px;height:800px\" srcdoc=\"" + escape_html(page) +
            "\"></iframe><script>onload = () => {const page = "
            "document.querySelector('iframe').contentDocument, frame = document.documentElement;"
            "document.title = page.title; Object.assign(frame.dataset, "
            "page.documentElement.dataset); frame.dataset.width = page.defaultView.innerWidth;"
            "document.body.textContent = '';}</script>");
    return run_to_end({kChromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                       "--user-data-dir=" + files_.file("profile"), "--window-size=1400,800",
                       "--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000",
                       "--dump-dom", "file://" + frame},
                      files_.path());
  }
  void expect_sound(const std::string& path, int figures) const {
    const auto bytes = read_bytes(path);
    for (const int width : {360, 1200}) {
      SCOPED_TRACE(path + " at " + std::to_string(width));
      const auto page = open(bytes, width);
      EXPECT_THAT(page.out, HasSubstr("data-width=\"" + std::to_string(width) + "\""));
      EXPECT_THAT(page.err, Not(HasSubstr("CONSOLE")));
      EXPECT_THAT(page.out, HasSubstr("data-ready=\"" + std::to_string(figures) + "\""));
      EXPECT_THAT(page.out, HasSubstr("data-overflow=\"false\""));
    }
    for (const char* outside : {"http:", "https:", "//www", " src=", "@import", "url(", "xmlns"}) {
      EXPECT_THAT(bytes, Not(HasSubstr(outside)));
    }
    EXPECT_LT(bytes.size(), 1000000u);
  }
  static int figures_in(const std::string& path) {
    const auto bytes = read_bytes(path);
    int count = 0;
    for (size_t at = 0; (at = bytes.find("<figure>", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  TempDir files_;
};

TEST_F(ReportInABrowser, OfARunAndOfAComparison) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=runs/a", "train.eval_every=10"}).code, 0);
  ASSERT_EQ(tiny.train({"run.dir=runs/b", "model.moe=none"}).code, 0);
  const auto report = tiny.file("runs/a/report.html"), comparison = tiny.file("compare.html");
  const auto compared =
      run_to_end({MOE_BIN_DIR "/moe-compare", "runs", "--html", comparison}, tiny.folder());
  ASSERT_EQ(compared.code, 0) << compared.err;
  EXPECT_GE(figures_in(report), 10);
  EXPECT_GE(figures_in(comparison), 10);
  expect_sound(report, figures_in(report));
  expect_sound(comparison, figures_in(comparison));
}

// A run, and one that continues it, with tasks measured by hand.
TEST_F(ReportInABrowser, OfAContinuation) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=runs/base", "train.eval_every=10"}).code, 0);
  ASSERT_EQ(tiny.train({"run.dir=runs/more", "train.eval_every=10", "init.from=runs/base"}).code, 0);
  const auto rows = read_metrics(tiny.file("runs/base/metrics.jsonl"));
  const auto step = rows.back().at("step").dump();
  for (const auto& [run, value] : {std::pair("base", "0.5"), std::pair("more", "0.75")}) {
    MetricsWriter(tiny.file(std::string("runs/") + run + "/eval.jsonl"))
        .append(Json::parse("{\"step\":" + step + ",\"tasks\":{\"a <b>\":{\"value\":" + value +
                            ",\"better\":\"higher\",\"items\":[0,1," + value + "]}}}"));
  }
  const auto page = tiny.file("compare.html");
  const auto compared = run_to_end({MOE_BIN_DIR "/moe-compare", "runs", "--html", page}, tiny.folder());
  ASSERT_EQ(compared.code, 0) << compared.err;
  EXPECT_THAT(read_bytes(page), HasSubstr("Saved at equal bits_per_byte"));
  EXPECT_THAT(read_bytes(page), HasSubstr("a &lt;b&gt;, change since before"));
  expect_sound(page, figures_in(page));
}

TEST_F(ReportInABrowser, OfADiagnosis) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "model.layers=40", "train.steps=12"}).code, 0);
  const auto page = tiny.file("diagnosis.html");
  const auto diagnosed =
      run_to_end({MOE_BIN_DIR "/moe-diagnose", "run", "--html", page}, tiny.folder());
  ASSERT_EQ(diagnosed.code, 0) << diagnosed.err;
  EXPECT_GE(figures_in(page), 5);
  expect_sound(page, figures_in(page));
}

TEST_F(ReportInABrowser, OfRoutedText) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "model.moe.experts=64", "model.moe.gate.k=8",
                        "model.active_width=64", "train.steps=2"}).code, 0);
  const auto page = tiny.file("routed.html");
  const auto diagnosed = run_to_end({MOE_BIN_DIR "/moe-diagnose", "run", "--tokens", "2048", "--against",
                                     "run", "--ranks", "64", "--html", page},
                                    tiny.folder());
  ASSERT_EQ(diagnosed.code, 0) << diagnosed.err;
  EXPECT_THAT(read_bytes(page), HasSubstr("Kinds of bytes, layer 1"));
  EXPECT_GE(figures_in(page), 5);
  expect_sound(page, figures_in(page));
}

TEST_F(ReportInABrowser, ValuesAreShownUnderThePointer) {
  LineChart chart;
  chart.title = "A <b> & 'c'";
  chart.series = {{"without a point", {}},
                  {"first </script>", {{0, 1}, {10, 2.5}}},
                  {"second", {{0, 3}, {10, 4}}}};
  auto page = html_page(chart.title, html_grid({line_chart(chart)}));
  const std::string end = "</body>";
  page.insert(page.find(end),
              "<script>{const svg = document.querySelector('.plot svg'), "
              "place = svg.getBoundingClientRect();"
              "svg.dispatchEvent(new PointerEvent('pointermove', {bubbles: true, clientX: "
              "place.right - place.width * .05, clientY: place.top + 20}));"
              "document.title = document.querySelector('.tip').innerText.replace(/\\n/g, '|');}"
              "</script>");
  const auto opened = open(page, 360);
  EXPECT_THAT(opened.err, Not(HasSubstr("CONSOLE")));
  EXPECT_THAT(opened.out, HasSubstr("<title>step 10|first &lt;/script&gt; 2.5|second 4</title>"));
}

// The checks above can fail: a page whose script throws, and one that is too wide for a phone.
TEST_F(ReportInABrowser, ABrokenPageIsNoticed) {
  const auto thrown = open(
      html_page("x", "<figure><script type=\"application/json\">{broken</script></figure>"), 1200);
  EXPECT_THAT(thrown.err, HasSubstr("CONSOLE"));
  EXPECT_THAT(thrown.out, Not(HasSubstr("data-ready=")));
  const auto wide = html_page("x", "<div style=\"width:400px;height:9px\"></div>");
  EXPECT_THAT(open(wide, 360).out, HasSubstr("data-overflow=\"true\""));
  EXPECT_THAT(open(wide, 1200).out, HasSubstr("data-overflow=\"false\""));
}

}  // namespace
}  // namespace moe
