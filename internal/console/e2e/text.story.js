// What people write is shown as it is meant, and never becomes anything else.
import assert from 'node:assert/strict';
import { open, test } from './browser.js';

// show gives the markup of the nodes that a function of a module makes.
const show = (page, module, name, text) => page.evaluate(async ([m, f, t]) => {
  const made = (await import(`/console/${m}.js`))[f](t);
  const box = document.createElement('div');
  box.append(...made);
  return box.innerHTML;
}, [module, name, text]);

const link = (to, text = to) => `<a href="${to}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;

test('Markdown', async () => {
  const page = await open('/console/widget');
  for (const [text, want] of [
    ['plain', '<p>plain</p>'],
    ['two\nlines', '<p>two\nlines</p>'],
    ['two\n\nparagraphs', '<p>two</p><p>paragraphs</p>'],
    ['**bold** and *it* and _it_ and __bold__', '<p><strong>bold</strong> and <em>it</em> and <em>it</em> and <strong>bold</strong></p>'],
    ['**a *b* c**', '<p><strong>a <em>b</em> c</strong></p>'],
    ['snake_case_name 2*3*4', '<p>snake_case_name 2<em>3</em>4</p>'],
    ['a ** b ** c', '<p>a ** b ** c</p>'],
    ['`**code** <b>`', '<p><code>**code** &lt;b&gt;</code></p>'],
    ['- one\n- *two*\nafter', '<ul><li>one</li><li><em>two</em></li></ul><p>after</p>'],
    ['3. three\n4. four', '<ol start="3"><li>three</li><li>four</li></ol>'],
    ['# Title', '<p><strong>Title</strong></p>'],
    ['> said', '<blockquote>said</blockquote>'],
    ['```\n<b>x</b>\n```', '<pre><code>&lt;b&gt;x&lt;/b&gt;</code></pre>'],
    ['```\nnever closed', '<pre><code>never closed</code></pre>'],
    ['see https://example.com/a?b=c.', `<p>see ${link('https://example.com/a?b=c')}.</p>`],
    ['[here](https://example.com/)', `<p>${link('https://example.com/', 'here')}</p>`],
    ['[**bold**](http://example.com/)', `<p>${link('http://example.com/', '<strong>bold</strong>')}</p>`],
    // nothing of these is more than text
    ['[x](javascript:alert(1))', '<p>[x](javascript:alert(1))</p>'],
    ['[x](data:text/html,x)', '<p>[x](data:text/html,x)</p>'],
    ['[x](//example.com)', '<p>[x](//example.com)</p>'],
    ['<script>alert(1)</script>', '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>'],
    ['<img src=x onerror=alert(1)>', '<p>&lt;img src=x onerror=alert(1)&gt;</p>'],
    ['[a"onclick="x](https://example.com/"onclick="x)', `<p>${link('https://example.com/%22onclick=%22x', 'a"onclick="x')}</p>`],
    ['&lt;b&gt; &amp;', '<p>&amp;lt;b&amp;gt; &amp;amp;</p>'],
  ]) assert.equal(await show(page, 'markdown', 'markdown', text), want, text);
});

test('text', async () => {
  const page = await open('/console/widget');
  for (const [text, want] of [
    ['<b>**not bold**</b>', '&lt;b&gt;**not bold**&lt;/b&gt;'],
    ['https://example.com/x, and javascript:alert(1)', `${link('https://example.com/x')}, and javascript:alert(1)`],
    ['http://', 'http://'],
  ]) assert.equal(await show(page, 'markdown', 'plain', text), want, text);
});

// Texts as long as they may be, made to take long, don't.
test('hostile texts', async () => {
  const page = await open('/console/widget');
  for (const piece of ['**a', '*a ', '_a', '`a', '[a](', '[', '> ', '- ', '**a** *b* `c` ', '> > > ', '1. a\n', 'https://a', '__a_*`[']) {
    const text = piece.repeat(16000 / piece.length);
    const made = await show(page, 'markdown', 'markdown', text);
    assert.ok(made.length >= 1000, piece);
  }
});

test('interactive messages that make no sense', async () => {
  const page = await open('/console/widget');
  for (const text of ['', '{', 'null', '7', '"x"', '{}', '[]', '{"templateType":"ListPicker"}', '{"templateType":"TimePicker","data":{"content":{"timeslots":[{"date":"never"},{"date":7},null]}}}',
    '{"templateType":"ListPicker","data":{"content":{"elements":[null,7,{"title":{"a":1}}]}}}', '{"templateType":"Carousel","data":{"content":{"elements":[{}]}}}', '{"templateType":"ViewResource","data":{"content":{"viewData":null}}}']) {
    await show(page, 'interactive', 'interactive', text);
    await show(page, 'interactive', 'response', text);
  }
  const unsafe = '<img src=x onerror=alert(1)>';
  const offer = JSON.stringify({ templateType: 'ListPicker', data: { replyMessage: { title: unsafe }, content: { title: unsafe, subtitle: unsafe, elements: [{ title: unsafe, subtitle: unsafe, imageData: unsafe }] } } });
  assert.doesNotMatch(await show(page, 'interactive', 'interactive', offer), /<img/);
});
