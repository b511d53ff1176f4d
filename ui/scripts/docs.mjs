// The documentation as pages of the admin: Markdown becomes HTML when the admin is built, pictures become its files.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Marked } from 'marked';

const ID = 'virtual:docs';
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const PARTS = ['', 'decisions/'];

/** The anchor of a heading, as it is written in links to it. */
const anchor = (text) =>
  text
    .toLowerCase()
    .replace(/<[^>]*>|[^\p{L}\p{N} _-]/gu, '')
    .replace(/ /g, '-');

const escape = (text) => text.replace(/[&<>"]/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each]);

function render(file, picture) {
  const folder = dirname(file);
  const inside = (href) => {
    const [path, hash] = href.split('#');
    if (path === '') return `#${hash}`;
    if (/^[a-z]+:/.test(path)) return href;
    const target = resolve(DOCS, folder, path);
    if (!target.startsWith(DOCS) || !target.endsWith('.md')) return null;
    const name = target.slice(DOCS.length, -3);
    return name.startsWith('errors/') ? `/docs/${name}` : `/help/${name}${hash ? `#${hash}` : ''}`;
  };
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchor(text)}">${this.parser.parseInline(tokens)}</h${depth}>`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const to = inside(href);
        return to === null ? text : `<a href="${escape(to)}">${text}</a>`;
      },
      image({ href, text }) {
        const to = href.endsWith('.svg') ? picture(resolve(DOCS, folder, href)) : null;
        return to === null ? '' : `<img src="${to}" alt="${escape(text)}">`;
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escape(text)}</code></pre>`;
      },
      html({ text }) {
        return escape(text);
      },
      table(token) {
        const cells = (row, tag) => row.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('');
        const rows = token.rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('');
        return `<div class="wide" tabindex="0"><table><thead><tr>${cells(token.header, 'th')}</tr></thead><tbody>${rows}</tbody></table></div>`;
      },
    },
  });
  return marked.parse(readFileSync(resolve(DOCS, file), 'utf8'));
}

export function docs() {
  return {
    name: 'docs',
    resolveId: (id) => (id === ID || id.startsWith(`${ID}/`) ? `\0${id}` : null),
    load(id) {
      if (id === `\0${ID}`) return list();
      if (!id.startsWith(`\0${ID}/`)) return null;
      const emit = (path) => {
        const file = this.emitFile({ type: 'asset', name: basename(path), source: readFileSync(path) });
        return `__DOC_FILE_${file}__`;
      };
      const html = JSON.stringify(render(`${id.slice(ID.length + 2)}.md`, emit));
      return `export default ${html.replace(/__DOC_FILE_([^_]+)__/g, '" + import.meta.ROLLUP_FILE_URL_$1 + "')};`;
    },
    resolveFileUrl: ({ fileName }) => JSON.stringify(`/${fileName}`),
  };
}

/** A module with the name, the title and the loader of each page. */
function list() {
  const pages = PARTS.flatMap((part) =>
    readdirSync(DOCS + part)
      .filter((name) => name.endsWith('.md'))
      .sort((a, b) => Number(b === 'index.md') - Number(a === 'index.md') || a.localeCompare(b))
      .map((name) => part + name.slice(0, -3)),
  );
  const lines = pages.map((page) => {
    const title = /^# (.*)$/m.exec(readFileSync(`${DOCS + page}.md`, 'utf8'))?.[1] ?? page;
    return `{ page: ${JSON.stringify(page)}, title: ${JSON.stringify(title)}, load: () => import(${JSON.stringify(`${ID}/${page}`)}) }`;
  });
  return `export const pages = [${lines.join(',\n')}];`;
}
