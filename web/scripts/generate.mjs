// Writes src/api/openapi.ts: the schemas of the node's API as TypeScript types, from docs/protocol/openapi.json. With
// `--check`, says whether the file is what it would write. Paths are left out: src/api/client.ts has one function for each.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const DOCUMENT = new URL('../../docs/protocol/openapi.json', import.meta.url);
const TYPES = new URL('../src/api/openapi.ts', import.meta.url);
const HEADING =
  '// Made by `npm run generate` from docs/protocol/openapi.json: the schemas of the API. Not to be edited.\n\n';

const { openapi, info, components } = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
const document = { openapi, info, paths: {}, components: { schemas: components.schemas } };
// A field with a default may be left out of a request; the types of what is sent and what is answered are the same.
const types = HEADING + astToString(await openapiTS(document, { defaultNonNullable: false }));

if (!process.argv.includes('--check')) {
  writeFileSync(TYPES, types);
} else if (readFileSync(TYPES, 'utf8') !== types) {
  console.error('web/src/api/openapi.ts differs from docs/protocol/openapi.json; run: npm --prefix web run generate');
  process.exitCode = 1;
}
