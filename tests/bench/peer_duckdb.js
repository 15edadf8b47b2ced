// Runs SQL statements, each ended by a line of "--", from standard input: node peer_duckdb.js DATABASE read|write
// NODE_PATH names the folder with @duckdb/node-api.
const { DuckDBInstance } = require("@duckdb/node-api");
const fs = require("fs");

async function main([database, mode]) {
  const settings = { threads: "2" };
  if (mode === "read") settings.access_mode = "READ_ONLY";
  const connection = await (await DuckDBInstance.create(database, settings)).connect();
  for (const statement of fs.readFileSync(0, "utf8").split(/^--$/m)) {
    if (statement.trim()) await connection.run(statement);
  }
  connection.closeSync();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
