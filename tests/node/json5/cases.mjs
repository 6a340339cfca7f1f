// JSON5 texts, one rule of the grammar each (spec.json5.org), valid and invalid alike: the package decides which.
const bytes = (...b) => Buffer.from(b)
const nested = (open, close, n) => open.repeat(n) + close.repeat(n)

export const cases = [
  // values
  '', ' ', 'null', 'true', 'false', 'nul', 'nulll', 'True', 'undefined', '{}', '[]', '{', '}', '[', ']', '[]]', '{}{}', '1 2', ',', ':',
  // numbers
  '0', '-0', '+0', '1', '-1', '+1', '01', '00', '-01', '0.', '.0', '.', '+.', '-.5', '5.', '5.e3', '.5e3', '5e', '5e+', '5e-', '5e+1', '5E-1',
  '1e1000', '-1e1000', '1e-1000', '0e5', '0.0e-0', '1.7976931348623157e308', '5e-324', '2.2250738585072011e-308', '9007199254740993',
  '0.1', '123456789012345678901234567890', '1_000', '1n', '0b1', '0o7', '1..2', '1.2.3', '--1', '+-1', '- 1', '-/**/1',
  '0x', '0x0', '0X1f', '0xabcdefABCDEF', '-0xA', '+0xA', '0xG', '0x1.8', '0xfffffffffffff800', '0xfffffffffffffbff', '0x1fffffffffffff81', '0x1e5',
  '0x' + 'f'.repeat(300), '1' + '0'.repeat(400), '0.' + '0'.repeat(400) + '1', 'Infinity', '-Infinity', '+Infinity', 'NaN', '-NaN', '+NaN',
  'Infinit', 'infinity', 'nan', '-Inf', 'NaNN', '1e5.5', '0e', '0x-1',
  // strings
  '""', "''", '"a"', "'a'", '"\'"', "'\"'", '"\\""', "'\\''", '"', "'", '"a', '"a\'', '"\\', '"\\"', '"\\b\\f\\n\\r\\t\\v\\0\\\\\\/"', '"\\a\\q\\ \\é\\😀"',
  '"\\0"', '"\\00"', '"\\01"', '"\\09"', '"\\1"', '"\\9"', '"\\x41\\x7f\\xe9\\xFF"', '"\\x4"', '"\\xg0"', '"\\x"', '"\\u0041\\u00e9\\uFFFF"', '"\\u004"',
  '"\\u{41}"', '"\\uD83D\\uDE00"', '"\\uD83D"', '"\\uDE00"', '"\\uD83Dx"', '"\\uD83D\\n"', '"\\uD83D\\uD83D\\uDE00"', '"\\uDE00\\uD83D"', '"\\u12G4"',
  '"a\nb"', '"a\rb"', '"a\\\nb"', '"a\\\r\nb"', '"a\\\rb"', '"a\\\n\nb"', '"a\\\r\rb"', '"a\\\u2028b"', '"a\\\u2029b"', '"a\u2028b"', '"a\u2029b"',
  '"\t"', '"\u0000"', '"\\\u0000"', '"\u001f\u007f"', '"é😀\uFFFF"', '"\uFEFF"',
  // arrays
  '[1]', '[1,]', '[,]', '[1,,2]', '[,1]', '[1 2]', '[1,2', '[1,2,', '[[]]', '[[],[[]],]', '[1}', '["a""b"]', '[1]1', '[true false]', '[a]',
  // objects and names
  '{a:1}', '{a:1,}', '{,}', '{a:1,,b:2}', '{a}', '{a:}', '{:1}', '{a 1}', '{a:1 b:2}', '{a:1', '{a:', '{a', '{"a":1}', "{'a':1}", '{"a"}', '{1:1}', '{1a:1}', '{-a:1}',
  '{a1:1}', '{$:1,_:2,$_a:3}', '{null:1,true:2,false:3,Infinity:4,NaN:5}', '{a:1,a:2}', '{a:1,b:2,a:3}', '{"__proto__":1}', '{__proto__:{}}', '{constructor:1}',
  '{é:1}', '{ünïcödé:1,日本:2,ª:3,ℵ:4,ⅷ:5}', '{𐐀:1}', '{a𐐀:1}', '{😀:1}', '{\u200ca:1}', '{a\u200c\u200d:1}', '{a\u0301:1}', '{\u0301:1}', '{a·:1}', '{·:1}', '{a٣:1}',
  '{\\u0061:1}', '{\\u0061\\u0062:1}', '{a\\u0062c:1}', '{\\u0030:1}', '{a\\u0030:1}', '{\\u0020:1}', '{a\\u0020:1}', '{\\u200c:1}', '{a\\u200c:1}', '{\\u0024:1}',
  '{\\x61:1}', '{a\\x61:1}', '{\\:1}', '{\\u006:1}', '{\\uD801\\uDC00:1}', '{a\\uD801\\uDC00:1}', '{"\\u0061":1}', '{"":1}', '{"a\\\nb":1}', '{a.b:1}', '{a-b:1}', '{a:1}}', '{a:1]',
  '{/**/a/**/:/**/1/**/,/**/}', '{a\n:\n1\n}', '{"\\0":1}', '{\u2118:1}', '{\u212E:1,\u309B:2}', '{\u00B7a:1}', '{\u1885:1}', '{\u19DA:1}', '{a\u19DA:1}',
  // white space
  '\t\n\v\f\r \u00A0\uFEFF\u2028\u20291', '\u1680\u2000\u2005\u200A\u202F\u205F\u30001', '\uFEFF{}', '{}\uFEFF', '\u200B1', '\u180E1', '\u00851', '\u00001', '1\u0000', '\u001C1',
  // comments
  '//', '// a', '// a\n1', '1// a', '1 // a', '1/* */', '/* */1', '/**/1', '/***/1', '/* * / */1', '/*', '/**', '/*/', '/', '/ /1', '1/', '1/2', '//a\r1', '//a\u20281', '//a\u20291',
  '/*\n*/1', '[1,//a\n2]', '[1/*,*/,2]', '/* // */1', '// /*\n1', '/* /* */ */1', '{a:1//b\n}', '"//"', '"/**/"', '#a\n1', '-//\n1',
  // depth: 64 is our limit, the package has none
  nested('[', ']', 64), '{a:'.repeat(63) + '{}' + '}'.repeat(63), nested('[', ']', 40) + ']',
  // encodings
  bytes(0x22, 0xff, 0x22), bytes(0x22, 0xc0, 0x80, 0x22), bytes(0x22, 0xed, 0xa0, 0x80, 0x22), bytes(0x22, 0xf4, 0x90, 0x80, 0x80, 0x22), bytes(0x22, 0xe2, 0x82),
  // longer texts
  `// the example of json5.org
  {
    // comments
    unquoted: 'and you can quote me on that',
    singleQuotes: 'I can use "double quotes" here',
    lineBreaks: "Look, Mom! \\
No \\\\n's!",
    hexadecimal: 0xdecaf,
    leadingDecimalPoint: .8675309, andTrailing: 8675309.,
    positiveSign: +1,
    trailingComma: 'in objects', andIn: ['arrays',],
    "backwardsCompatible": "with JSON",
  }`,
  `{ gateway: { port: 18789, auth: { token: "\${OPENCLAW_GATEWAY_TOKEN}", }, }, agents: { list: [ { id: 'main', default: true, }, ], }, }`
]
