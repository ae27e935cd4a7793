// What /openapi.yaml says, and whether an answer is as it says. Reads the part of YAML that the file
// uses (block and flow collections, quoted and plain scalars, literal blocks; no anchors).

class Lines {
    constructor(text) {
        this.all = text.split('\n').filter((line) => line.trim() !== '' || line === '');
        this.at = 0;
    }

    /** The next line with something on it: { indent, text }, or null. */
    peek() {
        while (this.at < this.all.length && !this.all[this.at].trim()) this.at++;
        if (this.at >= this.all.length) return null;
        const line = this.all[this.at];
        const text = line.trimStart();
        return { indent: line.length - text.length, text: text.trimEnd() };
    }
}

const KEY = /^('(?:[^']|'')*'|[^\s'"{}[\],][^'"{}[\],]*?|\/[^'":\s]*|[^\s:]+):(?:\s+(.*))?$/;

function plain(text) {
    if (text === 'true' || text === 'false') return text === 'true';
    if (text === 'null' || text === '~' || text === '') return null;
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function unquoted(text) {
    return text.slice(1, -1).replaceAll("''", "'");
}

/** A flow collection or scalar that begins at `at`: [value, end]. */
function flow(text, at, inside) {
    while (text[at] === ' ') at++;
    if (text[at] === "'") {
        const [found] = /'(?:[^']|'')*'/.exec(text.slice(at));
        return [unquoted(found), at + found.length];
    }
    if (text[at] === '[' || text[at] === '{') return collection(text, at);
    const [found] = (inside ? /[^,\]}]*/ : /.*/).exec(text.slice(at));
    return [plain(found.trim()), at + found.length];
}

function collection(text, at) {
    const isMap = text[at] === '{';
    const end = isMap ? '}' : ']';
    const value = isMap ? {} : [];
    at++;
    for (;;) {
        while (text[at] === ' ' || text[at] === ',') at++;
        if (at >= text.length) throw new Error(`no ${end} in: ${text}`);
        if (text[at] === end) return [value, at + 1];
        if (isMap) {
            const [found, key] = /^('[^']*'|[^:]+):/.exec(text.slice(at));
            const [item, next] = flow(text, at + found.length, true);
            value[key.startsWith("'") ? unquoted(key) : key.trim()] = item;
            at = next;
        } else {
            const [item, next] = flow(text, at, true);
            value.push(item);
            at = next;
        }
    }
}

function literal(lines, indent) {
    const kept = [];
    while (lines.at < lines.all.length) {
        const line = lines.all[lines.at];
        if (line.trim() && line.length - line.trimStart().length <= indent) break;
        kept.push(line.trim());
        lines.at++;
    }
    return kept.join('\n').trimEnd();
}

function valueAfter(lines, rest, indent) {
    if (rest === '|') return literal(lines, indent);
    if (rest) return flow(rest, 0, false)[0];
    const next = lines.peek();
    const nested = next && (next.indent > indent || (next.indent === indent && next.text.startsWith('- ')));
    return nested ? block(lines, next.indent) : null;
}

function sequence(lines, indent) {
    const value = [];
    for (let line = lines.peek(); line?.indent === indent && line.text.startsWith('- '); line = lines.peek()) {
        const rest = line.text.slice(2);
        if (!/^[{['"]/.test(rest) && KEY.test(rest)) {
            lines.all[lines.at] = `${' '.repeat(indent + 2)}${rest}`;
            value.push(block(lines, indent + 2));
        } else {
            lines.at++;
            value.push(flow(rest, 0, false)[0]);
        }
    }
    return value;
}

function block(lines, indent) {
    if (lines.peek().text.startsWith('- ')) return sequence(lines, indent);
    const value = {};
    for (let line = lines.peek(); line?.indent === indent && !line.text.startsWith('- '); line = lines.peek()) {
        const found = KEY.exec(line.text);
        if (!found) throw new Error(`line ${lines.at + 1}: ${line.text}`);
        const [, written, rest] = found;
        const key = written.startsWith("'") ? unquoted(written) : written;
        if (Object.hasOwn(value, key)) throw new Error(`line ${lines.at + 1}: ${key} stands there already`);
        lines.at++;
        value[key] = valueAfter(lines, rest, indent);
    }
    return value;
}

export const parseYaml = (text) => block(new Lines(text), 0);

const TYPES = {
    null: (value) => value === null,
    boolean: (value) => typeof value === 'boolean',
    integer: (value) => Number.isInteger(value),
    number: (value) => typeof value === 'number',
    string: (value) => typeof value === 'string',
    array: (value) => Array.isArray(value),
    object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** A description of values: /openapi.yaml, or a JSON schema. */
export class Description {
    constructor(root) {
        this.root = root;
    }

    /** What "#/components/..." or "#/$defs/..." names. */
    find(ref) {
        return ref.slice(2).split('/').reduce((at, key) => at[key], this.root);
    }

    #resolve(thing) {
        return thing?.$ref ? this.find(thing.$ref) : thing;
    }

    /** [{ name: "GET /path", path, method, responses: { status: { contents, headers } } }] */
    operations() {
        const found = [];
        for (const [path, item] of Object.entries(this.root.paths))
            for (const [method, operation] of Object.entries(item)) {
                if (method === 'parameters') continue;
                const responses = {};
                for (const [status, response] of Object.entries(operation.responses)) responses[status] = this.#resolve(response);
                found.push({ name: `${method.toUpperCase()} ${path}`, path, method: method.toUpperCase(), open: operation.security?.length === 0, responses });
            }
        return found;
    }

    /** What is wrong with the value, as sentences. */
    problems(schema, value, where = '') {
        const { $ref, allOf, oneOf, type, required = [], properties = {}, items, ...rules } = this.#resolve(schema) ?? {};
        const found = [];
        if ($ref) return this.problems({ $ref }, value, where);
        for (const part of allOf ?? []) found.push(...this.problems(part, value, where));
        if (oneOf && !oneOf.some((part) => !this.problems(part, value, where).length)) found.push(`${where} is none of what it may be: ${JSON.stringify(value)}`);
        if (type && ![type].flat().some((name) => TYPES[name](value))) return [...found, `${where} is not of type ${type}: ${JSON.stringify(value)}`];
        if (rules.enum && !rules.enum.includes(value)) found.push(`${where} is none of ${rules.enum}: ${value}`);
        if ('const' in rules && value !== rules.const) found.push(`${where} is not ${rules.const}`);
        if (rules.minimum > value || rules.maximum < value) found.push(`${where} is out of range: ${value}`);
        if (rules.pattern && typeof value === 'string' && !new RegExp(rules.pattern).test(value)) found.push(`${where} does not match: ${value}`);
        if (TYPES.array(value)) value.forEach((item, i) => found.push(...this.problems(items, item, `${where}[${i}]`)));
        if (!TYPES.object(value)) return found;
        for (const key of required) if (!(key in value)) found.push(`${where}.${key} is missing`);
        for (const [key, part] of Object.entries(properties)) if (key in value) found.push(...this.problems(part, value[key], `${where}.${key}`));
        return found;
    }
}
