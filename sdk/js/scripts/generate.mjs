// Writes src/openapi.ts: the paths and schemas of the node's API as TypeScript types, from docs/protocol/openapi.json.
// With `--check`, says whether the file is what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../../docs/protocol/openapi.json', import.meta.url);
const TYPES = new URL('../src/openapi.ts', import.meta.url);
const HEADING = '// Made by `npm run generate` from docs/protocol/openapi.json. Not to be edited.\n\n';

const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
// The node names operations after its functions, and several of those are called `show`. Without names their types
// stand where they are used.
for (const operations of Object.values(document.paths)) {
  for (const operation of Object.values(operations)) delete operation.operationId;
}
// A field with a default may be left out of a request; the types of what is sent and what is answered are the same.
const tree = await openapiTS(document, { defaultNonNullable: false });
const types = HEADING + astToString(tree);

if (!process.argv.includes('--check')) {
  writeFileSync(TYPES, types);
} else if (readFileSync(TYPES, 'utf8') !== types) {
  console.error('sdk/js/src/openapi.ts differs from docs/protocol/openapi.json; run: npm --prefix sdk/js run generate');
  process.exitCode = 1;
}
