// Writes kerasgan/data/builders/avatar_styles.json: the values of each attribute of DiceBear's styles.
//
//     node tools/make_avatar_styles.mjs [FOLDER]
//
// FOLDER is that of unpacked packages (default: ~/.cache/kerasgan/packages).
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const folder = process.argv[2] ?? path.join(os.homedir(), '.cache/kerasgan/packages');
const styles = {};
for (const style of ['adventurer', 'avataaars', 'lorelei', 'micah', 'personas']) {
  const { schema } = await import(path.join(folder, 'npm/node_modules/@dicebear', style, 'lib/schema.js'));
  styles[style] = {};
  for (const [name, property] of Object.entries(schema.properties)) {
    if (property.type === 'array') styles[style][name] = [...(property.items.enum ?? property.default)].sort();
  }
}
const lines = Object.entries(styles).map(([style, attributes]) => {
  const inner = Object.entries(attributes).map(([name, values]) => `    "${name}": ${JSON.stringify(values)}`);
  return `  "${style}": {\n${inner.join(',\n')}\n  }`;
});
fs.writeFileSync(new URL('../kerasgan/data/builders/avatar_styles.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
