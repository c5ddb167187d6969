// What small models are checked on when no text is given: some prose, some mathematics, some code, two languages.

extension ConversionCheck {
  static let builtInName = "the built-in text"
  static let builtInText = """
    The lighthouse on the northern cape was built when ships still carried sails. Its keeper climbed the stairs twice a \
    day, in the morning to trim the lamp and in the evening to light it. When the fog came in from the sea he rang the \
    bell by hand, once a minute, until the air was clear again. People in the village said that he knew every captain by \
    the sound of the horn. Years later, when the light had been made automatic, his daughter found the log books in a \
    chest under the window: forty years of wind, cloud and water, written in one careful hand.

    Question: A train leaves at 9:40 and arrives at 11:15. How long does the journey take?
    Answer: From 9:40 to 11:00 are 80 minutes, and from 11:00 to 11:15 are 15 more. Together that is 95 minutes, or one \
    hour and 35 minutes.

    def greatest_common_divisor(a, b):
        while b != 0:
            a, b = b, a % b
        return abs(a)

    Water boils at a lower temperature on a mountain, because the pressure of the air falls with height. If x + 3 = 7, \
    then x = 4. The sum of the first n whole numbers is n(n + 1) / 2, so the first hundred add up to 5050.

    从前有一座山，山上有一座庙，庙里有一个老和尚在讲故事。
    """
}
