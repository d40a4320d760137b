/** The manifest of a server in a process of its own, with these plugins (YAML, two spaces in). */
export const manifestWith = (plugins: string) => `
server:
  host: '127.0.0.1'
  port: '\${PORT}'
  operations: '\${OPERATIONS_ADDRESS}'
  dataDir: '\${DATA_DIR}'
plugins:${plugins}`
