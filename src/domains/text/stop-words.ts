/**
 * Words that say little about a text's subject: English first, then the commonest of German, French, Spanish, Italian,
 * Portuguese and Dutch. Shorter than three letters never counts as a term, so such words are not listed.
 */
const listed =
  "about above after again against all also although always among and any are aren around away back because been before being " +
  "below between both but came can cannot come could did didn does doesn doing don done down during each either else enough even " +
  "ever every few find first for from full further get gets getting give given goes going gone got had has hasn have haven having " +
  "her here hers herself him himself his how however into isn its itself just keep kept last least less let like made make makes " +
  "many may maybe might more most much must need needs never new next nor not nothing now off often once one only onto other others " +
  "our ours out over own per put quite rather really said same say says see seen several shall she should since some something " +
  "soon still such take than that the their theirs them themselves then there these they thing things this those though three " +
  "through thus till too took toward two under until upon use used uses using very want was wasn way well were weren what when " +
  "where whether which while who whom whose why will with within without won would yes yet you your yours yourself www http https com " +
  "aber alle als also auch auf aus bei bin bis bist dann das dass dem den denn der des die dies diese dieser doch dort durch ein eine " +
  "einem einen einer eines etwas für gegen habe haben hat hatte hier ich ihr ihre immer ist jede kann kein keine man mehr mein mit " +
  "nach nicht noch nun nur oder ohne sehr sein seine sich sie sind über und uns unter viel vom von vor war waren was weil wenn werden " +
  "wie wieder wir wird wurde zum zur zwischen " +
  "alors après aussi autre avant avec avoir cela ces cet cette chez comme dans des deux donc elle elles encore entre est été être " +
  "fait ils les leur leurs lui mais même mes moi mon nos notre nous ont par pas peu peut plus pour quand que quel quelle qui sans ses " +
  "son sont sous sur tes toi ton tous tout toute très une vos votre vous " +
  "algo antes aunque cada como con contra cual cuando del desde donde dos ella ellas ellos entre era eran eres esa ese eso esta está " +
  "este esto fue fueron hace hasta hay las los más muy nada nos nosotros otra otro para pero poco por porque que quien ser sido sin " +
  "sobre son sus también tanto tiene todo todos una uno unos usted " +
  "alla alle anche ancora che chi come con cosa così dal dalla degli dei del della delle dopo dove era gli hanno loro lui mia mio molto " +
  "nei nel nella noi non ogni per perché più poi quando quello questa questo sei sono sua suo sul sulla tra tutti tutto una uno " +
  "ainda ao aos até com das depois dos ela ele eles então essa esse está estava foi isso isto já mais mas mesmo meu minha muito nas nem " +
  "nos não para pela pelo pode quem sem ser seu sua são também tem uma você " +
  "aan als andere bij dan dat deze die dit doen door een en geen haar heb hebben heeft hem het hij hoe hun iets kan maar meer met mijn " +
  "moet naar niet nog ons onze ook over tot uit van veel voor waar want wat werd wie wij worden wordt zal zich zij zijn zonder zou";

let known: ReadonlySet<string> | null = null;

/** `word` in lower case. */
export function isStopWord(word: string): boolean {
  known ??= new Set(listed.split(" "));
  return known.has(word);
}
