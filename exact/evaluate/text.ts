import type { Random } from '../../subnet/models/random.ts';
import { CHINESE_FAMILIES, LATIN_FAMILIES } from './fonts.ts';

/** A string and the family that has all of its characters. */
export type Text = { text: string; family: string };

const WORDS = (
  'about account address after again air all amount answer area arrive autumn back bag bank base before begin below best bill ' +
  'black block blue board body book both bottom box branch bread bring build bus call card care carry case cause centre ' +
  'chair change check child circle city class clear close cloud coast coffee cold colour come copy corner cost count cover ' +
  'cross cup dark date day deep degree depth direct doctor door down draw dress drive dry early earth east edge eight end ' +
  'engine enter even event exit express face fact fair family farm fast field fill find fire first fish five flat floor fly ' +
  'follow food foot form forward four free fresh front fuel full garden gate general give glass gold good grain grand great ' +
  'green ground group guide half hall hand happen hard head health hear heat heavy high hill hold home hospital hotel hour ' +
  'house hundred ice inch index inside iron island join judge juice jump keep key kind king knife know lake land large last ' +
  'lead leave left length letter level library light limit line list little local lock long lost lower lunch machine mail ' +
  'main map mark market master match meal measure meet metal middle mile milk minute model modern moment money month moon ' +
  'morning motor mountain move museum music name nature near never new next night nine north note number oak ocean offer ' +
  'office oil old one open orange order other outside over oxygen page paint pair paper park part pass path pay people phone ' +
  'piece place plain plan plant plate play please point police port post pound power press price print problem public pull ' +
  'pure push quality queen quick quiet radio rail rain range reach read ready record red region rest return rice right ring ' +
  'river road rock roof room round route rule safe salt sand save school science sea seat second self sell send service set ' +
  'seven shape sharp ship shop short side sign silver simple single six size sky sleep slow small smoke snow soft soil sound ' +
  'south space speed spring square staff stage stamp stand start station steam steel step stone stop store street strong ' +
  'sugar summer sun supply table tea team ten term test thick thin thousand three ticket time tool top total tower town ' +
  'track trade train travel tree true turn two under union unit upper use valley value very view village visit voice wait ' +
  'walk wall warm wash watch water wave way week weight west wheel white wide wild wind window winter wood word work world ' +
  'year yellow young zero zone'
).split(' ');

/** The most frequent characters of Chinese, without those that look alike. */
const CHARACTERS = (
  '的是了我不在有这个上们来到时大地为子中你说生国年着就那和要她出也得里后以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开' +
  '美总从无情面最女但现前些所同手又行意动方期它头经长回位分爱老因很给名法间知世什两次使身者被高已亲其进此话常与活正感北京市东西南路车站药店水电城海山花'
).split('');

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

function number(random: Random): string {
  const n = 1 + random.below(99_999);
  return random.pick([
    `${n}`,
    (n / 100).toFixed(2),
    `${1 + random.below(28)}/${1 + random.below(12)}/20${10 + random.below(30)}`,
    `${random.below(24)}:${10 + random.below(50)}`,
    `${random.pick(['A', 'B', 'F', 'K', 'R', 'T'])}${random.pick(['-', ''])}${n}`,
    `${n % 100}%`,
    `+${30 + random.below(20)} ${100_000 + random.below(900_000)}`,
  ]);
}

function words(random: Random, count: number): string {
  const style = random.below(4);
  return Array.from({ length: count }, (_, i) => {
    const word = random.pick(WORDS);
    if (style === 0) return word.toUpperCase();
    return style === 1 || (style === 2 && i === 0) ? capital(word) : word;
  }).join(' ');
}

/** A line as signs, labels and receipts have them, of up to `most` words: English, numbers, both, or Chinese. */
export function drawText(random: Random, most: number): Text {
  const what = random.below(10);
  if (what < 2) {
    const text = Array.from({ length: 3 + random.below(2 * most) }, () => random.pick(CHARACTERS));
    return { text: text.join(''), family: random.pick(CHINESE_FAMILIES) };
  }
  const count = 1 + random.below(most);
  const family = random.pick(LATIN_FAMILIES);
  if (what === 2) return { text: number(random), family };
  if (what < 6) return { text: words(random, count), family };
  const parts = [words(random, Math.max(1, count - 1)), number(random)];
  return { text: (random.below(2) === 0 ? parts : parts.reverse()).join(' '), family };
}
