#include "data/formats/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

#include "configs/errors.h"
#include "data/formats/sha256.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// FIPS 180-2, appendix B.
constexpr const char* kHashOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() {
    manifest_["a.txt"] = write_text_file(folder_.file("a.txt"), "abc");
    manifest_["b.bin"] = write_text_file(folder_.file("b.bin"), std::string(3000000, '\xff'));
    write_manifest(folder_.path(), manifest_);
  }
  std::string verify() const { return verify_manifest(folder_.path()); }
  TempDir folder_;
  Manifest manifest_;
};

TEST(Sha256, MatchesThePublishedValues) {
  Sha256 pieces;
  pieces.update("a");
  pieces.update("");
  pieces.update("bc");
  EXPECT_EQ(pieces.hex(), kHashOfAbc);
  EXPECT_EQ(Sha256().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(ManifestTest, HashesFiles) {
  EXPECT_EQ(manifest_["a.txt"].bytes, 3u);
  EXPECT_EQ(manifest_["a.txt"].sha256, kHashOfAbc);
  EXPECT_EQ(hash_file(folder_.file("a.txt")).sha256, kHashOfAbc);
  EXPECT_EQ(hash_file(folder_.file("b.bin")).sha256, manifest_["b.bin"].sha256);
  EXPECT_EQ(hash_file(folder_.file("b.bin")).bytes, 3000000u);
}

TEST_F(ManifestTest, IsThisText) {
  write_manifest(folder_.path(), {{"a.txt", manifest_["a.txt"]}});
  EXPECT_EQ(read_bytes(folder_.file("manifest.json")),
            "{\n  \"files\": {\n    \"a.txt\": {\n      \"bytes\": 3,\n      \"sha256\": \"" +
                std::string(kHashOfAbc) + "\"\n    }\n  }\n}\n");
}

TEST_F(ManifestTest, SaysNothingWhenAllIsWell) {
  EXPECT_EQ(verify(), "");
  EXPECT_THAT(folder_.names(), ElementsAre("a.txt", "b.bin", "manifest.json"));
}

TEST_F(ManifestTest, NamesTheFileThatIsWrong) {
  folder_.write_file("a.txt", "abd");
  EXPECT_THAT(verify(), HasSubstr("a.txt': expected SHA-256 ba7816bf"));
  folder_.write_file("a.txt", "ab");
  EXPECT_THAT(verify(), HasSubstr("a.txt': expected 3 bytes by the manifest, found 2"));
  std::filesystem::remove(folder_.file("a.txt"));
  EXPECT_THAT(verify(), HasSubstr("a.txt': no such file"));
  folder_.write_file("a.txt", "abc");
  EXPECT_EQ(verify(), "");
  folder_.write_file("extra", "");
  EXPECT_THAT(verify(), HasSubstr("extra': expected only files of the manifest, found this one"));
}

TEST_F(ManifestTest, AFifoOrADirectoryDoesNotHang) {
  std::filesystem::remove(folder_.file("a.txt"));
  ASSERT_EQ(::mkfifo(folder_.file("a.txt").c_str(), 0600), 0);
  EXPECT_THAT(verify(), HasSubstr("a.txt': expected a regular file, found a FIFO"));
  std::filesystem::remove(folder_.file("a.txt"));
  std::filesystem::create_directory(folder_.file("a.txt"));
  EXPECT_THAT(verify(), HasSubstr("a.txt': expected a regular file, found a directory"));
  std::filesystem::remove(folder_.file("manifest.json"));
  ASSERT_EQ(::mkfifo(folder_.file("manifest.json").c_str(), 0600), 0);
  EXPECT_THAT(verify(), HasSubstr("manifest.json': expected a regular file, found a FIFO"));
}

TEST_F(ManifestTest, RefusesAManifestThatIsNone) {
  std::filesystem::remove(folder_.file("manifest.json"));
  EXPECT_THAT(verify(), HasSubstr("manifest.json': no such file"));
  const std::string entry = "{\"bytes\": 3, \"sha256\": \"" + std::string(kHashOfAbc) + "\"}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected a JSON object, found ''"},
      {"{\"files\": {}", "expected JSON, found an error at byte 13"},
      {"{} {}", "expected JSON, found an error at byte 4"},
      {"[]", "expected a JSON object, found '[]'"},
      {std::string("{}\0", 3), "found a NUL at byte 3"},
      {"{\"files\": {\"a.txt\": " + entry + ", \"a.txt\": " + entry + "}}",
       "expected every key once, found 'a.txt' twice"},
      {"{\"files\": {\"a.txt\": " + entry + ", \"\\u0061.txt\": " + entry + "}}",
       "expected every key once, found 'a.txt' twice"},
      {"{\"files\": " + std::string(1000000, '['), "expected at most 16 levels of nesting"},
      {"{\"files\": []}", "no object 'files'"},
      {"{\"files\": {\"/etc/passwd\": " + entry + "}}", "the name '/etc/passwd', not a plain"},
      {"{\"files\": {\"a/b\": " + entry + "}}", "the name 'a/b', not a plain base name"},
      {"{\"files\": {\".\": " + entry + "}}", "the name '.'"},
      {"{\"files\": {\"../a.txt\": " + entry + "}}", "the name '../a.txt', not a plain base name"},
      {"{\"files\": {\"..\": " + entry + "}}", "the name '..'"},
      {"{\"files\": {\"manifest.json\": " + entry + "}}", "the name 'manifest.json'"},
      {"{\"files\": {\"\": " + entry + "}}", "the name ''"},
      {"{\"files\": {\"a\\u0000\": " + entry + "}}", "the name 'a\\x00'"},
      {"{\"files\": {\"a.txt\": 3}}", "another entry for 'a.txt'"},
      {"{\"files\": {\"a.txt\": {\"bytes\": -1, \"sha256\": \"\"}}}", "another entry for 'a.txt'"},
      {"{\"files\": {\"a.txt\": {\"bytes\": 3, \"sha256\": \"BA\"}}}", "another entry for 'a.txt'"},
      {"{\"files\": {\"a.txt\": {\"bytes\": 3.0, \"sha256\": \"" + std::string(kHashOfAbc) +
           "\"}}}",
       "another entry for 'a.txt'"},
  };
  for (const auto& [text, expected] : cases) {
    folder_.write_file("manifest.json", text);
    EXPECT_THAT(verify(), testing::AllOf(HasSubstr("manifest.json': expected "),
                                         HasSubstr(expected)));
  }
}

// Files that a manifest describes well, and that do not belong there.
TEST_F(ManifestTest, ListsExactlyWhatItIsAskedFor) {
  const auto verify_for = [&](const std::set<std::string>& names) {
    return verify_manifest(folder_.path(), [&](const Manifest& found) {
      EXPECT_EQ(found.size(), 2u);
      return names;
    });
  };
  EXPECT_EQ(verify_for({"a.txt", "b.bin"}), "");
  EXPECT_THAT(verify_for({"a.txt", "b.bin", "c"}),
              HasSubstr("manifest.json': expected an entry for 'c', found none"));
  EXPECT_THAT(verify_for({"a.txt"}), HasSubstr("manifest.json': expected no entry for 'b.bin'"));
}

// Together they find what one reader finds; sizes are free and everyone's.
TEST_F(ManifestTest, ReadersShareTheHashes) {
  const auto reader = [&](int64_t first) { return verify_manifest(folder_.path(), {}, {first, 2}); };
  EXPECT_EQ(reader(0) + reader(1), "");
  folder_.write_file("b.bin", std::string(3000000, '\xfe'));
  EXPECT_EQ(reader(0), "");
  EXPECT_THAT(reader(1), HasSubstr("b.bin': expected SHA-256 "));
  folder_.write_file("b.bin", "short");
  for (const int64_t first : {0, 1}) {
    EXPECT_THAT(reader(first), HasSubstr("b.bin': expected 3000000 bytes by the manifest, found 5"));
  }
}

TEST_F(ManifestTest, WritesPlainNamesOnly) {
  EXPECT_THROW(write_manifest(folder_.path(), {{"a/b", {}}}), std::invalid_argument);
}

TEST_F(ManifestTest, AFailedWriteLeavesTheOldText) {
  std::string message;
  {
    const FileSizeLimit full(100);
    message = message_of<RunError>(
        [&] { write_text_file(folder_.file("a.txt"), std::string(1000, 'x')); });
  }
  EXPECT_THAT(message, HasSubstr("a.txt': cannot be written: "));
  EXPECT_EQ(verify(), "");
  EXPECT_THAT(message_of<RunError>([&] { write_text_file(folder_.file("no/a"), "x"); }),
              HasSubstr("no/a': cannot be created: No such file or directory"));
}

}  // namespace
}  // namespace moe
