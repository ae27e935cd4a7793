// JSON text with the place of every value in it, so that an error is shown where it is; and the way in
// which documents are written. Pure.

const LINE = 96;
const INDENT = '    ';

/** "regions[0].border.width is no length: ..." -> {path: ['regions', 0, 'border', 'width'], text}. The
 *  longest beginning of the message that is a path; [] if it begins with none. */
export function errorPath(message) {
    const found = /^(?:[\w./+-]+\.json: )?((?:\$schema|[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*|\[\d+\])*)(?=[\s:,]|$)/.exec(message ?? '');
    if (!found) return [];
    const path = [...found[1].matchAll(/\[(\d+)\]|([A-Za-z_$]\w*)/g)].map(([, index, key]) =>
        index === undefined ? key : Number(index),
    );
    return path;
}

class Reader {
    at = 0;
    places = [];

    constructor(text) {
        this.text = text;
    }

    fail(what) {
        throw Object.assign(new Error(what), { offset: Math.min(this.at, this.text.length) });
    }

    blank() {
        while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    }

    expect(character, what) {
        this.blank();
        if (this.text[this.at] !== character) this.fail(what);
        this.at++;
    }

    /** The next token that the pattern matches, or an error there. */
    token(pattern, what) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text);
        if (!found) this.fail(what);
        this.at += found[0].length;
        return JSON.parse(found[0]);
    }

    string(what) {
        return this.token(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y, what);
    }

    value(path) {
        this.blank();
        const start = this.at;
        const first = this.text[this.at];
        let value;
        if (path.length > 64) this.fail('This is nested too deeply.');
        if (first === '{') value = this.object(path);
        else if (first === '[') value = this.array(path);
        else if (first === '"') value = this.string('This text has no end, or a character that must be escaped.');
        else value = this.token(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, 'A value is missing here.');
        this.places.push({ path, start, end: this.at });
        return value;
    }

    object(path) {
        const result = {};
        this.at++;
        this.blank();
        for (let first = true; this.text[this.at] !== '}'; first = false) {
            if (!first) this.expect(',', 'A comma or "}" is missing here.');
            this.blank();
            const key = this.string('The name of a member in quotation marks is missing here.');
            this.expect(':', 'A colon is missing here.');
            result[key] = this.value([...path, key]);
            this.blank();
        }
        this.at++;
        return result;
    }

    array(path) {
        const result = [];
        this.at++;
        this.blank();
        while (this.text[this.at] !== ']') {
            if (result.length) this.expect(',', 'A comma or "]" is missing here.');
            result.push(this.value([...path, result.length]));
            this.blank();
        }
        this.at++;
        return result;
    }
}

/** {value, places: [{path, start, end}]}, or throws an error with .offset. */
export function parseWithPlaces(text) {
    const reader = new Reader(text);
    const value = reader.value([]);
    reader.blank();
    if (reader.at < text.length) reader.fail('Nothing may follow the document.');
    return { value, places: reader.places };
}

/** Where the value of the path stands; if it is not there, the nearest one that holds it. */
export function placeOf(places, path) {
    for (let length = path.length; length >= 0; length--) {
        const key = JSON.stringify(path.slice(0, length));
        const found = places.find((place) => JSON.stringify(place.path) === key);
        if (found) return found;
    }
    return null;
}

/** {line, column}, from 1. */
export function lineOf(text, offset) {
    const before = text.slice(0, offset).split('\n');
    return { line: before.length, column: before[before.length - 1].length + 1 };
}

function inline(value) {
    if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
    if (value === null || typeof value !== 'object') return JSON.stringify(value);
    const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${inline(member)}`);
    return members.length ? `{ ${members.join(', ')} }` : '{}';
}

/** As the shipped documents are written: four spaces, and what is short on one line. */
export function formatDocument(value, indent = '') {
    const short = inline(value);
    if (value === null || typeof value !== 'object') return short;
    if (indent && indent.length + short.length <= LINE) return short;
    const deeper = indent + INDENT;
    if (Array.isArray(value))
        return value.length ? `[\n${value.map((item) => deeper + formatDocument(item, deeper)).join(',\n')}\n${indent}]` : '[]';
    const members = Object.entries(value).map(
        ([key, member]) => `${deeper}${JSON.stringify(key)}: ${formatDocument(member, deeper)}`,
    );
    return members.length ? `{\n${members.join(',\n')}\n${indent}}` : '{}';
}
