#include "database.h"

#include <sqlite3.h>

namespace antrea::kube {
namespace {
constexpr int kApplicationId = 0x416e7472;  // "Antr", in the header of the file
constexpr int kLayout = 1;

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  // An empty view may have no data, which SQLite takes for NULL.
  sqlite3_bind_text(statement, index, text.empty() ? "" : text.data(),
                    static_cast<int>(text.size()), SQLITE_STATIC);
}

std::string text_of(sqlite3_stmt* statement, int column) {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return {data ? data : "", static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}
}  // namespace

void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Error Database::failure(std::string_view doing) const {
  Errc code = Errc::kIo;
  std::string remedy;
  switch (sqlite3_errcode(handle_)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = Errc::kAlreadyExists;
      remedy = "another process has it open";
      break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      code = Errc::kMalformed;
      break;
    case SQLITE_PERM:
    case SQLITE_READONLY:
      code = Errc::kPermissionDenied;
      break;
    case SQLITE_FULL:
      code = Errc::kExhausted;
      break;
    default:
      break;
  }
  return make_error(code, std::string(doing) + ": " + sqlite3_errmsg(handle_), path_,
                    std::move(remedy));
}

Result<> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure("prepare the database");
  return {};
}

Result<Database::Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK)
    return failure("prepare the database");
  return Statement(statement);
}

Result<> Database::step(Statement& statement) {
  const int code = sqlite3_step(statement.get());
  sqlite3_reset(statement.get());
  if (code != SQLITE_DONE && code != SQLITE_ROW) return failure("write");
  return {};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, bool sync_every_write) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return database->failure("open the database");
  sqlite3_busy_timeout(handle, 1000);  // a predecessor that is just ending

  int application = 0, layout = 0;
  {
    // Reading the file already fails if it is none of SQLite's.
    for (auto [sql, value] : {std::pair{"PRAGMA application_id", &application},
                              std::pair{"PRAGMA user_version", &layout}}) {
      ANTREA_TRY(const Statement statement, database->prepare(sql));
      if (sqlite3_step(statement.get()) != SQLITE_ROW)
        return database->failure("open the database");
      *value = sqlite3_column_int(statement.get(), 0);
    }
  }
  ANTREA_TRY(Statement tables, database->prepare("SELECT count(*) FROM sqlite_master"));
  if (sqlite3_step(tables.get()) != SQLITE_ROW) return database->failure("open the database");
  const bool fresh = sqlite3_column_int(tables.get(), 0) == 0;
  tables.reset();
  if (!fresh && (application != kApplicationId || layout != kLayout))
    return make_error(Errc::kMalformed,
                      "open the database: not a store of this program and version", path);

  ANTREA_CHECK(
      database->execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-512;"));
  ANTREA_CHECK(database->execute(sync_every_write ? "PRAGMA synchronous=FULL"
                                                  : "PRAGMA synchronous=NORMAL"));
  if (fresh) {
    ANTREA_CHECK(database->execute(
        "BEGIN IMMEDIATE;"
        "PRAGMA application_id=1097757810; PRAGMA user_version=1;"
        "CREATE TABLE objects(resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
        " version INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY(resource, namespace, name))"
        " WITHOUT ROWID;"
        "CREATE TABLE resources(resource TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;"
        "COMMIT"));
  }
  static_assert(kApplicationId == 1097757810 && kLayout == 1);
  ANTREA_TRY(database->put_,
             database->prepare("INSERT INTO objects VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO "
                               "UPDATE SET version = ?4, json = ?5"));
  ANTREA_TRY(database->erase_,
             database->prepare(
                 "DELETE FROM objects WHERE resource = ?1 AND namespace = ?2 AND name = ?3"));
  ANTREA_TRY(database->bump_,
             database->prepare("INSERT INTO resources VALUES(?1, ?2) ON CONFLICT DO "
                               "UPDATE SET version = ?2"));
  ANTREA_TRY(database->begin_, database->prepare("BEGIN IMMEDIATE"));
  ANTREA_TRY(database->commit_, database->prepare("COMMIT"));
  // Takes the lock of the file now, for as long as the process lives.
  ANTREA_CHECK(database->step(database->begin_));
  ANTREA_CHECK(database->step(database->commit_));
  return database;
}

Database::~Database() {
  for (auto* statement : {&put_, &erase_, &bump_, &begin_, &commit_}) statement->reset();
  sqlite3_close(handle_);
}

Result<> Database::write(Statement& change, std::string_view resource, const StoredObject& object) {
  ANTREA_CHECK(step(begin_));
  bind_text(change.get(), 1, resource);
  bind_text(change.get(), 2, object.namespace_);
  bind_text(change.get(), 3, object.name);
  auto done = step(change);
  if (done) {
    bind_text(bump_.get(), 1, resource);
    sqlite3_bind_int64(bump_.get(), 2, static_cast<sqlite3_int64>(object.version));
    done = step(bump_);
  }
  if (done) done = step(commit_);
  if (!done) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

Result<> Database::put(std::string_view resource, const StoredObject& object) {
  sqlite3_bind_int64(put_.get(), 4, static_cast<sqlite3_int64>(object.version));
  bind_text(put_.get(), 5, object.json);
  return write(put_, resource, object);
}

Result<> Database::erase(std::string_view resource, const StoredObject& last) {
  return write(erase_, resource, last);
}

Result<> Database::load(std::string_view resource, std::uint64_t& version,
                        const std::function<Result<>(StoredObject)>& found) {
  {
    ANTREA_TRY(const Statement statement,
               prepare("SELECT version FROM resources WHERE resource = ?1"));
    bind_text(statement.get(), 1, resource);
    const int code = sqlite3_step(statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) return failure("read the database");
    version = code == SQLITE_ROW
                  ? static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0))
                  : 0;
  }
  ANTREA_TRY(const Statement statement,
             prepare("SELECT namespace, name, version, json FROM objects WHERE resource = ?1"));
  bind_text(statement.get(), 1, resource);
  for (;;) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return failure("read the database");
    StoredObject object;
    object.namespace_ = text_of(statement.get(), 0);
    object.name = text_of(statement.get(), 1);
    object.version = static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 2));
    object.json = text_of(statement.get(), 3);
    ANTREA_CHECK(found(std::move(object)));
  }
}

Result<std::uint64_t> Database::version() {
  ANTREA_TRY(const Statement statement, prepare("SELECT max(version) FROM resources"));
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return failure("read the database");
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
}

}  // namespace antrea::kube
