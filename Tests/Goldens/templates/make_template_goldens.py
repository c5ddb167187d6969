"""Writes cases.json: what jinja2, set up as transformers sets it up, makes of small templates and of conversations.

    python make_template_goldens.py            # needs transformers and jinja2

cases.json has "variables", which every small template sees, "small" (template with text, or with "fails" where
jinja2 raises), and "conversations" (a .jinja file of this folder, its variables, and the text or the failure).
"""
import datetime
import json
import pathlib

import transformers.utils.chat_template_utils as utilities

HERE = pathlib.Path(__file__).parent


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2023, 11, 14, 22, 13, 20)


utilities.datetime = FixedDate

VARIABLES = {
    "n": 7, "f": 2.5, "t": True, "no": False, "nil": None, "s": "Hello World", "u": "Zürich 日本 🙂 'q' \"d\" \\ \t.",
    "empty": "", "xs": [3, 1, 2], "words": ["b", "A", "c", "a"], "nested": [[1, 2], [3]],
    "d": {"b": 1, "a": {"x": [1, "two", None]}, "C": 2.0}, "items_dict": {"items": 5, "keys": "k"},
    "people": [
        {"name": "Ann", "age": 30, "tags": ["x"]}, {"name": "Bob", "age": 25, "tags": []},
        {"name": "cid", "age": 30, "city": "Rome", "tags": ["y", "z"]},
    ],
    "messages": [
        {"role": "system", "content": "S"}, {"role": "user", "content": "<think>\nhm</think>\n\nhello "},
        {"role": "assistant", "content": None},
    ],
    "ws": "  a  b \n c ", "crlf": "a\r\nb\rc\n", "html": "<a href='x'>&\"</a>", "big": 12345678901234567,
}

EXPRESSIONS = r"""
n; n + 1; n - 10; n * 2.5; n / 2; n // 2; -n // 2; n % 3; -n % 3; n % -3; 2 ** 10; 2 ** -1; 2 ** 0.5; -2 ** 2; 7.5 // 2; -7.5 % 2; +n; -f
1 + 2 * 3 - 4 / 2; (1 + 2) * 3; 10 - 3 - 2; 2 ** 3 ** 2; 1_000 + 0x1F + 0b101 + 0o17; 1e3; 1.5e-7; 1e16; 1e15; 123456789.123; 0.1 + 0.2; 1e22; 100.0; -0.0; 5e-324
1 / 0; 1 % 0; 'a' + 1; 'a' + 'b'; 'ab' * 3; [1] * 2; [1] + [2]; (1,) + (2, 3); 'a' ~ 1 ~ none ~ 2.0; 1 ~ 2; 'a' 'b'
n == 7; n == 7.0; true == 1; 'a' == 'a'; 'a' != 'b'; 1 < 2 < 3; 1 < 3 < 2; n > 5 and n < 10; 'a' < 'b'; [1, 2] < [1, 3]; 'a' < 1; none == none; undefined_name == other_undefined
'a' in 'cat'; 'z' not in 'cat'; 2 in xs; 9 in xs; 'b' in d; 'x' in d.a; n in (1, 7); 1 in 'abc'; 'x' in undefined_name; none in [none]
t and no; t or no; no or 'x'; not t; not not n; '' or 0 or none; n and s; none and 1
'yes' if t else 'no'; 'yes' if no else 'no'; 'yes' if no; ('yes' if no) is defined; 1 if no else 2 if no else 3
nil; t; no; f; s; xs; d; nested; (1,); (); (1, 'a'); {}; []; {'a': 1, 'b': [true, none]}; u; [u]; ["it's"]; ['"\'']; ["\n\t\\"]; ['é\x00\u200b']; undefined_name; [undefined_name]
d.b; d['b']; d.a.x[1]; d.missing; d.missing.more; d['missing'] is defined; undefined_name.x; nil.x; nil.x.y; n.x; s.x; xs.0; xs[0]; xs[-1]; xs[9]; xs[9] is defined; s[0]; s[-1]; d[1]; d.a['x'][0]
items_dict.items is callable; items_dict['items']; items_dict.keys is callable; items_dict.items(); d.items(); d.keys(); d.values(); d.get('b'); d.get('zz'); d.get('zz', 5); d.items()|list; d.append; xs.append(1); d.update({}); s.__class__; d.pop('b')
xs[1:]; xs[:1]; xs[:]; xs[::-1]; xs[-2:]; xs[::2]; xs[5:]; s[2:5]; s[::-1]; s[:-3]; s[-100:3]; u[3:9]; u[::-2]; nested[0][1:]; xs[::0]; (1, 2, 3)[1:]; nil[1:]; xs['a':]
s.upper(); s.lower(); s.title(); s.swapcase(); s.strip('Hd'); ws.strip(); ws.lstrip(); ws.rstrip(); 'xxaxx'.strip('x'); 'abcba'.lstrip('ab'); s.split(); ws.split(); s.split('o'); s.split('o', 1); s.rsplit('o', 1); 'a,b,,c'.split(','); ' a b  c'.split(none, 1); ''.split(); ''.split(','); s.split('')
s.startswith('Hell'); s.startswith(('x', 'H')); s.endswith('d'); s.find('o'); s.find('zz'); s.rfind('o'); s.index('W'); s.index('zz'); s.count('o'); s.replace('o', '0'); s.replace('o', '0', 1); 'abc'.replace('', '-'); 'aaaa'.replace('aa', 'b'); s.join(['a', 'b']); ','.join(xs); s.partition(' '); s.rpartition('o'); s.partition('zz')
s.removeprefix('Hello'); s.removesuffix('World'); '42'.isdigit(); '4a'.isdigit(); 'abc'.isalpha(); 'a1'.isalnum(); ' '.isspace(); 'A'.isupper(); 'a'.islower(); ''.islower(); '7'.zfill(3); '-7'.zfill(4); 'a'.ljust(3) ~ '|'; 'a'.rjust(3); 'a'.center(4) ~ '|'; 'abc'.center(6, '*'); crlf.splitlines(); crlf.splitlines(true); "they're bill's".title(); 'hELLO wORLD'.capitalize(); 'ß'.upper()
'%s is %d' % ('a', 3); '%5.2f|%-4s|%04d' % (3.14159, 'x', 42); '%s' % 'a'; '%s' % xs; '%%' % (); '%r' % 'a'; '%x' % 255; '{} and {}'.format(1, 'b'); '{1}{0}'.format('a', 'b'); '{x:>5}'.format(x='a'); '{:.2f}'.format(3.14159); '{:05d}'.format(42); '{:,}'.format(1234567); '{{}}'.format(); '{}'.format()
range(3); range(3)|list; range(1, 10, 3)|list; range(5, 0, -2)|list; range(0)|list; range(10)[2]; range(1000000); dict(a=1, b=2); dict([('a', 1)]); dict(d, z=1); namespace(a=1).a; namespace(a=1).b is defined; strftime_now('%d %b %Y'); strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %-d'); raise_exception('stop')
"""

FILTERS = r"""
xs|length; s|length; d|length; undefined_name|length; n|length; u|length; d|count; d.items()|length; none|length
xs|first; xs|last; ''|first; []|first; s|first; s|last; []|last is defined; xs|sum; people|sum(attribute='age'); xs|sum(start=10); xs|max; xs|min; words|max; people|max(attribute='age'); []|max
xs|sort; xs|sort(reverse=true); words|sort; words|sort(case_sensitive=true); people|sort(attribute='age')|map(attribute='name')|list; people|sort(attribute='age,name', reverse=true)|map(attribute='name')|join; ['a', 1]|sort
words|unique|list; words|unique(true)|list; [1, 1.0, true, 2]|unique|list; xs|reverse|list; s|reverse; xs|join; xs|join(', '); people|join('-', attribute='name'); s|join('.'); [none, true, 1.0]|join(','); undefined_name|join
words|map('upper')|list; people|map(attribute='name')|list; people|map(attribute='city')|list; people|map(attribute='city', default='?')|list; people|map(attribute='tags.0')|list; xs|map('string')|join('+'); nil|map('upper')|list; words|map('nope')|list; words|map('replace', 'a', 'z')|list
xs|select('odd')|list; xs|select('gt', 1)|list; xs|reject('even')|list; [0, 1, '', 'a', none]|select|list; [0, 1, '', 'a', none]|reject|list; people|selectattr('city')|list; people|selectattr('age', 'equalto', 30)|map(attribute='name')|list; people|rejectattr('age', 'eq', 30)|list; people|selectattr('city', 'defined')|list|length; people|selectattr('name', 'in', ['Ann', 'Bob'])|list|length; people|selectattr('age', '>=', 30)|list|length; messages|selectattr('role', 'equalto', 'user')|list|length; people|selectattr()|list
d|items|list; undefined_name|items|list; n|items|list; d|dictsort; d|dictsort(true); d|dictsort(by='value', reverse=true); {'b': 1, 'a': 3}|dictsort(false, 'value'); d|list; s|list; d|string; xs|batch(2)|list; xs|batch(2, 'x')|list; xs|slice(2)|list; xs|slice(2, 'x')|list; people|groupby('age'); people|groupby('city', default='-')|map('first')|list
s|upper; s|lower; 'hello wORLD-x (y)'|title; 'hELLO'|capitalize; ws|trim; 'xax'|trim('x'); n|trim; nil|upper; undefined_name|trim; s|replace('l', 'L'); s|replace('l', 'L', 1); n|replace(7, 8); 'a\nb\n\nc'|indent; 'a\nb\n\nc'|indent(2, true); 'a\nb\n\nc'|indent(2, first=true, blank=true); 'a\nb'|indent('> '); 'a b'|wordcount; 'foo bar baz qux'|truncate(9); 'foo bar baz qux'|truncate(9, true); 'foo bar baz'|center(15) ~ '|'; '%s-%s'|format(1, 2); n|indent
'42'|int; '42.7'|int; 'x'|int; 'x'|int(5); f|int; t|int; '0x1F'|int(base=16); nil|int; '3.5'|float; 'x'|float; n|float; 'x'|float(1.5); -n|abs; -f|abs; 'a'|abs; 2.5|round; 3.5|round; 42.55|round(1); 42.55|round(1, 'floor'); 42.51|round(0, 'ceil'); n|round; 1234.5|round(-2); n|string + 'x'; f|string; ' 12 '|int; '1_000'|int; '-5'|int; '1e3'|float; '1e3'|int
undefined_name|default('x'); nil|default('x'); nil|default('x', true); ''|default('x', boolean=true); undefined_name|default; n|default(1); d.zz|default('q'); undefined_name|d('e'); d|attr('b') is defined; (s|attr('upper')) is callable
n|tojson; f|tojson; s|tojson; nil|tojson; t|tojson; u|tojson; xs|tojson; d|tojson; d|tojson(indent=2); d|tojson(indent=4)|length; []|tojson(indent=2); {}|tojson(indent=2); d|tojson(separators=(',', ':')); u|tojson(ensure_ascii=true); d|tojson(sort_keys=true); (1, 2)|tojson; html|tojson; '\x00\x1f\x7f\u2028'|tojson; undefined_name|tojson; range(2)|tojson; {1: 2, none: 3, true: 4}|tojson; 1e20|tojson; [[], {}, [1]]|tojson(indent=1); people|tojson(indent='\t'); xs|map('string')|tojson
html|escape; html|e; html|safe; (html|safe) + '<b>'; '<b>' + (html|safe); '<b>' ~ (html|safe); html|safe|length; [html|safe, '<']|join; html|escape|escape; html|forceescape
"""

TESTS = r"""
n is defined; zz is defined; zz is undefined; zz is not defined; nil is none; zz is none; nil is not none; s is string; n is string; n is number; t is number; f is number; n is integer; t is integer; f is integer; f is float; t is boolean; n is boolean; t is true; no is false; n is true
d is mapping; xs is mapping; xs is iterable; n is iterable; s is iterable; zz is iterable; xs is sequence; s is sequence; d is sequence; n is sequence; zz is sequence; d.items() is sequence; xs|map('upper') is iterable; n is odd; n is even; n is divisibleby 7; n is divisibleby(2); n is eq 7; n is equalto(8); n is ne 7; n is lt 8; n is le 7; n is gt 6; n is ge 8; n is greaterthan 3; n is lessthan 3
n is in xs; 2 is in xs; 2 is not in xs; 'a' is lower; 'A' is upper; 'upper' is filter; 'zz' is filter; 'odd' is test; n is sameas n; t is sameas true; range is callable; n is callable; s is not string and t; not s is string; n is odd and n is gt 3; s is escaped; (s|safe) is escaped; n + 1 is even; s is nope; n is 7
"""

STATEMENTS = [
    "{% for x in xs %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in xs %}[{{ loop.previtem }}<{{ x }}<{{ loop.nextitem }}]{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}", "{% for x in xs %}a{% else %}none{% endfor %}",
    "{% for x in xs if x > 1 %}{{ x }}/{{ loop.length }} {% endfor %}",
    "{% for x in xs if x > 9 %}{{ x }}{% else %}nothing{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }};{% endfor %}",
    "{% for c in s %}{{ c }}-{% endfor %}", "{% for x in n %}{% endfor %}", "{% for x in zz %}a{% else %}b{% endfor %}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for x in range(10) %}{% if x == 3 %}{% continue %}{% endif %}{% if x == 6 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1] %}{% break %}{% else %}else{% endfor %}", "{% for x in [1, 2] %}{% continue %}{% else %}else{% endfor %}",
    "{% for x in xs %}{% for y in nested %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% set x = 1 %}{% for y in xs %}{% set x = y %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(c=0) %}{% for y in xs %}{% set ns.c = ns.c + y %}{% endfor %}{{ ns.c }}",
    "{% set ns = namespace(found=false) %}{% for x in xs if not ns.found %}{{ x }}{% set ns.found = true %}{% endfor %}",
    "{% set q = {} %}{% set q.a = 1 %}", "{% if t %}{% set y = 5 %}{% endif %}{{ y }}", "{% if no %}{% set s = 5 %}{% endif %}{{ s }}",
    "{% set a, b = 1, 2 %}{{ b }}{{ a }}", "{% set a = 1, 2 %}{{ a }}", "{% set x %}  block {{ n }} {% endset %}[{{ x }}]",
    "{% set x | upper | trim %} block {% endset %}[{{ x }}]", "{% filter upper %}a{{ s }}{% endfilter %}",
    "{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}", "{% if no %}a{% elif t %}b{% else %}c{% endif %}", "{% if no %}a{% else %}c{% endif %}",
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, c=3) }}|{{ m(b=1, a=2) }}|{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, z=3) }}",
    "{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(4) }}", "{% macro m() %}x{% endmacro %}{{ m() | upper }}{{ m }}",
    "{% macro list(xs) %}<{{ caller('q') }}>{% endmacro %}{% call(v) list(1) %}body {{ v }}{% endcall %}",
    "{% macro outer() %}{{ caller() }}{% endmacro %}{% call outer() %}{{ n }}{% endcall %}",
    "{% with a = 1, b = n %}{{ a + b }}{% endwith %}{{ a }}", "{% raw %}{{ x }}{% y %}{% endraw %}", "a {%- raw %} b {% endraw -%} c",
    "a{# comment #}b", "a {#- comment -#} b", "{# multi\nline #}\nx", "{{ '{{' }}{{ '}}' }}", "{{ {'a': {'b': 1}}.a.b }}",
    "  {% if t %}\n  a\n  {% endif %}\n  b\n", "  {{ n }}\n  {% set x = 1 %}  \n  c", "a\n  {%- if t %}\n b\n {%- endif %}\n c",
    "a  {%+ if t %}x{% endif +%}\n b", "a\n\n  {{- n -}}  \n b", "x {% if t -%}   y   {%- endif %} z", "\t{% if t %}y{% endif %}\n\n",
    "a\r\nb{% if t %}\r\nc{% endif %}\r\n", "{{ n }}\n", "{{ n }}\n\n", "{%- for x in xs -%}\n {{ x }}\n{%- endfor -%}\n",
    "line\n    {# c #}\n  after", "{%set x=1%}{{x}}", "{{n}}{{-n}}{{+n}}", "{{ n }} {{-  n }}",
    "{% generation %}a{{ n }}{% endgeneration %}b", "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}",
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}{{ m.content.split('</think>')[-1].lstrip('\\n') if m.content }}{% endfor %}",
    "{% for m in messages[::-1] %}{{ loop.index0 }}{{ m.role }} {% endfor %}", "{{ messages[-1].role }}{{ messages|length - 1 }}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif %}{{ loop_messages|length }}",
    "{{ raise_exception('no ' ~ n) }}", "{% print n, s %}", "{% for x in xs %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}",
    "{% set it = xs|map('string') %}{{ it|join }}{{ it|join }}", "{% for x in xs|reverse %}{{ x }}{{ loop.length }}{% endfor %}",
    "{{ xs.append(4) }}", "{{ [1, 2,] }}{{ (1, 2,) }}{{ {'a': 1,} }}", "{{ 'a\\x41\\u00e9\\n\\q\\101' }}", "{{ d.a.x | join(',') | upper }}",
    "{{ n | default(1) | string | length }}", "{{ -n | abs }}", "{{ 'a' if n is odd else 'b' }}", "{{ not n is odd }}", "{{ n is not odd }}",
    "{{ [x for x in xs] }}", "{% if t %}", "{% endif %}", "{% for x %}{% endfor %}", "{{ n", "{% unknown %}", "{{ n | nofilter }}", "{{ n is notest }}",
    "{{ }}", "{{ 1 2 }}", "{{ (1 }}", "{% set 1 = 2 %}", "{# open", "{% raw %}x", "{% break %}", "{% do xs %}", "{{ 'abc }}", "{{ a..b }}", "{{ @ }}",
    "{% if 'nofilter' is filter %}{{ n|nofilter }}{% else %}ok{% endif %}", "{% else %}", "{{ m(a=1, 2) }}", "{% macro m(a=1, b) %}{% endmacro %}",
]


def conversations():
    call = [{"id": "call00001", "type": "function",
             "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2, "deep": {"a": [1, None]}}}},
            {"id": "call00002", "type": "function", "function": {"name": "add", "arguments": {"x": 1.5, "y": True}}}]
    tools = [{"type": "function", "function": {
        "name": "weather", "description": "Today's \"weather\" <now>", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"]}}}]
    plain = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": " Grüezi <b> 'x'\n"},
             {"role": "assistant", "content": "<think>\nhm</think>\n\nHello"}, {"role": "user", "content": "Bye"}]
    calling = [{"role": "user", "content": "Weather?"},
               {"role": "assistant", "content": "Let me see.", "tool_calls": call[:1]},
               {"role": "tool", "tool_call_id": "call00001", "name": "weather", "content": "{\"t\": 3}"},
               {"role": "assistant", "content": None, "tool_calls": call},
               {"role": "tool", "tool_call_id": "call00001", "name": "weather", "content": "4 C"},
               {"role": "tool", "tool_call_id": "call00002", "name": "add", "content": "2.5"},
               {"role": "assistant", "content": "It is cold.", "reasoning_content": "4 is cold"},
               {"role": "user", "content": "Thanks"}]
    one = [{"role": "user", "content": "Hi"}]
    yield {"messages": one}
    yield {"messages": one, "enable_thinking": False}
    yield {"messages": plain}
    yield {"messages": plain, "add_generation_prompt": False, "thinking": True}
    yield {"messages": plain, "tools": tools, "thinking": True}
    yield {"messages": calling, "tools": tools}
    yield {"messages": calling[:3], "tools": tools, "enable_thinking": False}
    yield {"messages": calling[:6]}
    yield {"messages": [{"role": "assistant", "content": "first"}]}


TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def render(source, variables):
    variables = dict(variables)
    messages = variables.pop("messages")
    tools = variables.pop("tools", None)
    prompts = variables.pop("add_generation_prompt", True)
    texts, _ = utilities.render_jinja_template(
        [messages], tools=tools, chat_template=source, add_generation_prompt=prompts, **TOKENS, **variables)
    return texts[0]


def result(make):
    try:
        return {"text": make()}
    except Exception as error:  # every failure is a fact about the template
        return {"fails": f"{type(error).__name__}: {error}"[:120]}


def main():
    sources = []
    for block in (EXPRESSIONS, FILTERS, TESTS):
        sources += [part for line in block.strip().splitlines() for part in line.split("; ")]
    templates = ["{{ " + source + " }}" for source in sources] + STATEMENTS
    small = []
    for template in templates:
        small.append({"template": template, **result(
            lambda: utilities._compile_jinja_template(template).render(**json.loads(json.dumps(VARIABLES))))})
    talks = []
    for path in sorted(HERE.glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        for variables in conversations():
            talks.append({"file": path.name, "variables": variables, **result(lambda: render(source, variables))})
    text = json.dumps({"variables": VARIABLES, "small": small, "conversations": talks}, ensure_ascii=False, indent=0)
    (HERE / "cases.json").write_text(text + "\n", encoding="utf-8")
    print(len(small), "small,", len(talks), "conversations,", len(text.encode()), "bytes")


if __name__ == "__main__":
    main()
