// Wordings that CONTRIBUTING.md's "Text" section rules out, each with the plain wording to use instead.
// A pattern is matched against prose: inline code, links' addresses and code blocks are removed first.

/** For Markdown, comments and strings. */
export const TELLTALES = [
  [/\b(?:takes?|took|taken|taking) (?:it |them |all |everything )?back\b/i, 'remove, undo, roll back'],
  [/\b(?:give|gives|gave|given) back\b/i, 'restore'],
  [/\b(?:gives?|given?) (?:him|her)\b|\bgives? away\b/i, 'name the thing'],
  [/\bwho(?:so)?ever\b/i, 'the user, the owner, any program'],
  [/\bnobody\b/i, 'no user, no program'],
  [/\bwhere there (?:is|are)\b/i, 'if NOUN exists, with NOUN'],
  [/\bwhat(?:ever)? (?:stands|belongs|lies|came|comes|fails)\b|^\s*Whatever\b/i, 'name the thing'],
  [/\bthe ones? (?:that|which|who)\b|\bsuch (?:a one|ones)\b/i, 'repeat the noun'],
  [/\bso and so\b|\band such\b/i, 'name the thing'],
  [/\bwho (?:runs?|ran|would run|takes?)\b/i, 'which emulator, which entry'],
  [/\bof (?:one's|his) own\b/i, 'its own NOUN, a private NOUN'],
  [/\bin (?:the|its|their|that program's) place\b(?! for)/i, 'instead of, as a replacement for'],
  [/\bby (?:the )?way of\b/i, 'through, with'],
  [/\b(?:is|are|was|were|be) (?:said|told)\b/i, 'prints, reports, states'],
  [/\bfolders?\b/i, 'directory'],
  [/\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|different\b|such\b|sandbox\b)[a-z]+/i, 'is not a'],
  [/\b(?:be|is|are) had\b/i, 'be available'],
  [
    /\b(?:anew|hence|therein|thereof|thereby|wherein|whereby|likewise|withal|wholly|beforehand)\b/i,
    'plain word',
  ],
  [/\bfor ever\b/i, 'forever'],
  [/\bwants? to be\b/i, 'must be, requires'],
  [/\bdo(?:es)? without\b/i, 'does not need'],
  [/\bspeaks? of\b/i, 'refers to, reports'],
  [/\b(?:is|are) not to\b(?! blame)/i, 'must not'],
  [/\bbrings?\b|\bbrought\b/i, 'provide, install, contain, cause'],
  [/\bways? out\b/i, 'workaround'],
  [/\b(?:cares|caring) for\b|\bcares that\b/i, 'handle, ensure'],
  [/\b(?:simply|obviously|of course|needless to say|please note|note that)\b/i, 'leave it out'],
  [/\bnothing (?:goes|looks) (?:round|around)\b|\bgoes? round\b/i, 'bypass'],
  [/\bcarr(?:y|ies|ied) out\b/i, 'run, apply'],
  [/\bhears? of\b|\bheard of\b|\bto be heard\b/i, 'receive, be notified'],
];

/** For Markdown only: comments are shorter, and `else` is a keyword there. */
export const MARKDOWN_TELLTALES = [
  [/\bwhat(?:ever)? (?:is|was|are|were|has|had|can|could|cannot) (?!new\b)/i, 'name the thing'],
  [/\belse\b/i, 'otherwise, or another'],
  [/, too(?:[,.;:)]|$)/i, 'also'],
  [/\bbesides?\b/i, 'next to, together with, in addition to'],
  [/\b(?:there|here) is none\b/i, 'say what is missing'],
];

/** Fine once in a file, a mannerism more often. */
export const ONCE = [/\bof (?:its|their|your|our|my) own\b/i, 'its own NOUN, a private NOUN'];

/** What a heading must not begin with: headings are nouns or tasks. */
export const HEADING = /^(?:What|Which|Who|Whom|Whose|When|Where)\b/;
